# The service as a small image, for use with a PostgreSQL of your own:
#
#   docker build -t loyalty .
#   docker run -p 8080:8080 -e LOYALTY_DATABASE_URL=… -e LOYALTY_VAULT_KEY=… loyalty
#
# Without LOYALTY_DATABASE_URL it runs the embedded one on the volume /data, which suits a trial.

FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/loyalty
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY pyproject.toml README.md LICENSE ./
COPY loyalty loyalty
RUN /opt/loyalty/bin/pip install . && /opt/loyalty/bin/python -m compileall -q /opt/loyalty/lib

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin loyalty \
    && install -d -o loyalty -g loyalty -m 0700 /data
COPY --from=build /opt/loyalty /opt/loyalty
ENV PATH=/opt/loyalty/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    LOYALTY_DATA_DIR=/data \
    LOYALTY_HOST=0.0.0.0
USER loyalty
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('LOYALTY_PORT', '8080') + '/health/live', timeout=4)"]
CMD ["loyalty", "serve"]
