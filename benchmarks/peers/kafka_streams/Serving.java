import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.StringJoiner;

/** Answers each line on a TCP connection with a JSON object of partitions and next offsets. */
final class Serving {
    static void serve(int port, Map<Integer, Long> places) throws Exception {
        try (ServerSocket server = new ServerSocket(port, 5, InetAddress.getByName("127.0.0.1"))) {
            while (true) {
                try (Socket asked = server.accept();
                     var lines = new BufferedReader(new InputStreamReader(asked.getInputStream()))) {
                    asked.setTcpNoDelay(true);
                    while (lines.readLine() != null) {
                        StringJoiner told = new StringJoiner(", ", "{", "}\n");
                        places.forEach((partition, next) -> told.add("\"" + partition + "\": " + next));
                        asked.getOutputStream().write(told.toString().getBytes(StandardCharsets.UTF_8));
                        asked.getOutputStream().flush();
                    }
                }
            }
        }
    }

    private Serving() {}
}
