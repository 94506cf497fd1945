# Any image with Python 3.11 or newer, its venv module, pip's wheels for it, and useradd.
ARG BASE_IMAGE=python:3.13-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /build
# For the compiled pieces of the hot path; without a compiler, or without its package, netgrowth runs without them.
RUN (apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev && \
        { [ -e "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] || \
            apt-get install -y -qq --no-install-recommends python3-dev; }) || echo "no compiler: built without"
RUN python3 -m venv /opt/netgrowth
# The dependencies by themselves: a change of the sources alone does not fetch them again.
COPY pyproject.toml ./
RUN python3 -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' \
        > dependencies.txt \
    && /opt/netgrowth/bin/python -m pip install --no-cache-dir --disable-pip-version-check -r dependencies.txt
COPY README.md LICENSE ./
COPY streams streams
COPY agents agents
COPY config config
# Runbooks, which the worker serves: config/alerting/runbooks points there.
COPY docs/runbooks docs/runbooks
RUN /opt/netgrowth/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-deps . \
    && /opt/netgrowth/bin/python -m pip check \
    && /opt/netgrowth/bin/python -m pip uninstall --yes setuptools pip

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="netgrowth" \
      org.opencontainers.image.description="The live ledger of customers won and lost" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 1000 netgrowth \
    && useradd --uid 1000 --gid 1000 --no-create-home --home-dir / --shell /usr/sbin/nologin netgrowth \
    && install -d -o 1000 -g 1000 /var/lib/netgrowth/rules
COPY --from=build /opt/netgrowth /opt/netgrowth
# Inside a container 127.0.0.1 is reached by nobody else: what is published is decided outside.
ENV PATH=/opt/netgrowth/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NETGROWTH_WEB_BIND=0.0.0.0 \
    NETGROWTH_WEB_PORT=6066
WORKDIR /
# By number, so that a platform can see that it is not root.
USER 1000:1000
EXPOSE 6066
# Not by urllib, which would ask the proxy of the environment.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python3", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['NETGROWTH_WEB_PORT']), timeout=4); c.request('GET', '/health/live'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["netgrowth"]
CMD ["worker"]
