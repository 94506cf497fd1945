import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.Stores;

/** The peer `streams`: Kafka Streams with two persistent stores (RocksDB), their caches and changelog topics. */
public final class Peer {
    static final Set<String> FACTS =
        Set.of("opening", "joined", "purchased", "value_changed", "profile_changed", "left");
    static final String[] TEXTS = {"segment", "region", "product", "activity", "reason", "kind"};
    static final int REMEMBERED = 16;
    static final int UNKNOWN = 0, ACTIVE = 1, LOST = 2;

    static volatile double first = 0, last = 0;
    static volatile long records = 0, malformed = 0, duplicates = 0;
    static long expected;
    static final ConcurrentHashMap<Integer, Long> places = new ConcurrentHashMap<>();

    static final class BadFact extends Exception {
        BadFact(String why) {
            super(why, null, false, false);
        }
    }

    static final class Customer {
        int status = UNKNOWN;
        long value = 0;
        String segment = "", region = "";
        final ArrayList<String> ids = new ArrayList<>();

        static Customer read(byte[] packed) throws IOException {
            Customer customer = new Customer();
            if (packed == null) return customer;
            DataInputStream in = new DataInputStream(new ByteArrayInputStream(packed));
            customer.status = in.readByte();
            customer.value = in.readLong();
            customer.segment = in.readUTF();
            customer.region = in.readUTF();
            for (int left = in.readByte(); left > 0; left--) customer.ids.add(in.readUTF());
            return customer;
        }

        byte[] packed() throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
            DataOutputStream out = new DataOutputStream(bytes);
            out.writeByte(status);
            out.writeLong(value);
            out.writeUTF(segment);
            out.writeUTF(region);
            out.writeByte(ids.size());
            for (String id : ids) out.writeUTF(id);
            return bytes.toByteArray();
        }
    }

    static final class Ledger implements Processor<byte[], byte[], Void, Void> {
        final ObjectMapper json = new ObjectMapper();
        ProcessorContext<Void, Void> context;
        KeyValueStore<String, byte[]> customers, cells;

        @Override
        public void init(ProcessorContext<Void, Void> given) {
            context = given;
            customers = given.getStateStore("customers");
            cells = given.getStateStore("cells");
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            if (first == 0) first = System.currentTimeMillis() / 1000.0;
            try {
                take(record.value());
            } catch (BadFact | IOException bad) {
                malformed++;
            }
            context.recordMetadata().ifPresent(place -> places.put(place.partition(), place.offset() + 1));
            if (++records == expected) {
                last = System.currentTimeMillis() / 1000.0;
                context.commit();
            }
        }

        void take(byte[] raw) throws BadFact, IOException {
            JsonNode fact = json.readTree(raw);
            if (fact == null || !fact.isObject()) throw new BadFact("not an object");
            String id = text(fact, "event_id"), name = text(fact, "customer_id"), kind = text(fact, "fact");
            long minute = minute(text(fact, "at"));
            if (!FACTS.contains(kind)) throw new BadFact("no such fact");
            JsonNode worth = fact.get("value");
            if (worth != null && (!worth.isIntegralNumber() || worth.longValue() < 0)) throw new BadFact("value");
            for (String field : TEXTS)
                if (fact.has(field) && !fact.get(field).isTextual()) throw new BadFact(field);
            Customer held = Customer.read(customers.get(name));
            if (held.ids.contains(id)) {
                duplicates++;
                return;
            }
            held.ids.add(id);
            if (held.ids.size() > REMEMBERED) held.ids.remove(0);
            apply(held, fact, kind, minute, worth == null ? -1 : worth.longValue());
            customers.put(name, held.packed());
        }

        void apply(Customer held, JsonNode fact, String kind, long minute, long worth) {
            if (kind.equals("left")) {
                if (held.status != ACTIVE) return;
                held.status = LOST;
                add(minute, "lost", held.segment, held.region, or(fact, "reason", "unknown"), 1, held.value);
                return;
            }
            if (held.status != ACTIVE) {
                boolean opening = kind.equals("opening");
                if (kind.endsWith("_changed") || (opening && held.status == LOST)) return;
                String what = opening ? "opening" : held.status == UNKNOWN ? "new" : "returned";
                held.status = ACTIVE;
                held.value = Math.max(worth, 0);
                held.segment = or(fact, "segment", "unknown");
                held.region = or(fact, "region", "unknown");
                add(minute, what, held.segment, held.region, "", 1, held.value);
                return;
            }
            if (kind.equals("joined") || kind.equals("opening")) return;
            String segment = or(fact, "segment", held.segment), region = or(fact, "region", held.region);
            if (!segment.equals(held.segment) || !region.equals(held.region)) {
                add(minute, "transferred_out", held.segment, held.region, "", 1, held.value);
                add(minute, "transferred_in", segment, region, "", 1, held.value);
                held.segment = segment;
                held.region = region;
            }
            if (worth >= 0 && worth != held.value) {
                long grown = worth - held.value;
                held.value = worth;
                add(minute, grown > 0 ? "expansion" : "contraction", segment, region, "", 0, Math.abs(grown));
            }
        }

        void add(long minute, String kind, String segment, String region, String reason, long number, long value) {
            String name = minute + "|" + kind + "|" + segment + "|" + region + "|" + reason;
            byte[] before = cells.get(name);
            if (before != null) {
                ByteBuffer sums = ByteBuffer.wrap(before);
                number += sums.getLong();
                value += sums.getLong();
            }
            cells.put(name, ByteBuffer.allocate(16).putLong(number).putLong(value).array());
        }

        static String or(JsonNode fact, String field, String other) {
            JsonNode found = fact.get(field);
            return found == null ? other : found.textValue();
        }

        static String text(JsonNode fact, String field) throws BadFact {
            JsonNode found = fact.get(field);
            if (found == null || !found.isTextual()) throw new BadFact(field);
            return found.textValue();
        }

        static long minute(String at) throws BadFact {
            try {
                return Math.floorDiv(Instant.parse(at).getEpochSecond(), 60);
            } catch (DateTimeParseException bad) {
                throw new BadFact("at");
            }
        }
    }

    public static void main(String[] words) throws Exception {
        Map<String, String> asked = System.getenv();
        String broker = asked.get("BROKER"), topic = asked.get("TOPIC"), group = asked.get("GROUP");
        Path folder = Path.of(asked.get("WORK_DIR"));
        boolean serves = "1".equals(asked.get("SERVE"));
        expected = serves ? Long.MAX_VALUE : Long.parseLong(asked.get("EXPECT_N"));
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, group);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, broker);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, folder.resolve("state").toString());
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1000);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20);
        settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        settings.put(StreamsConfig.producerPrefix("compression.type"), "lz4");
        settings.put(StreamsConfig.producerPrefix("linger.ms"), 5);
        Topology topology = new Topology();
        topology.addSource("events", Serdes.ByteArray().deserializer(), Serdes.ByteArray().deserializer(), topic);
        topology.addProcessor("ledger", Ledger::new, "events");
        for (String store : List.of("customers", "cells"))
            topology.addStateStore(
                Stores.keyValueStoreBuilder(
                    Stores.persistentKeyValueStore(store), Serdes.String(), Serdes.ByteArray()).withCachingEnabled(),
                "ledger");
        KafkaStreams streams = new KafkaStreams(topology, settings);
        streams.start();
        if (serves) {
            Serving.serve(Integer.parseInt(asked.get("PROGRESS_PORT")), places);
            return;
        }
        while (last == 0) Thread.sleep(2);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker))) {
            long committed = 0;
            while (committed < expected) {
                committed = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().values()
                    .stream().mapToLong(place -> place == null ? 0 : place.offset()).sum();
                if (committed < expected) Thread.sleep(10);
            }
        }
        double durable = System.currentTimeMillis() / 1000.0;
        System.out.printf(
            "{\"n\": %d, \"t_first\": %.3f, \"t_last\": %.3f, \"t_durable\": %.3f, \"durable\": true}%n",
            records, first, last, durable);
        System.out.flush();
        Map<String, long[]> found = new HashMap<>();
        var store = streams.store(
            StoreQueryParameters.fromNameAndType("cells", QueryableStoreTypes.<String, byte[]>keyValueStore()));
        try (KeyValueIterator<String, byte[]> all = store.all()) {
            while (all.hasNext()) {
                var cell = all.next();
                ByteBuffer sums = ByteBuffer.wrap(cell.value);
                // Each partition has a store of its own, so a cell may come once from each.
                long[] held = found.computeIfAbsent(cell.key, name -> new long[2]);
                held[0] += sums.getLong();
                held[1] += sums.getLong();
            }
        }
        found.values().removeIf(sums -> sums[0] == 0 && sums[1] == 0);
        Map<String, Object> answer = Map.of(
            "cells", found,
            "counts", Map.of("records", records, "malformed", malformed, "duplicates", duplicates));
        Path part = folder.resolve("answer.part");
        Files.write(part, new ObjectMapper().writeValueAsBytes(answer));
        Files.move(part, folder.resolve("answer.json"));
        Runtime.getRuntime().halt(0);
    }
}
