# One image, three services: `python -m services.auth`, `…deploy`, `…mailer`; `migrate` as argument migrates.
#   packages  the pinned requirements in a virtual environment, so that a change of code does not install them again
#   (last)    that environment, the code, and a user without rights
FROM python:3.13-slim AS packages
COPY requirements.txt /tmp/requirements.txt
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/requirements.txt \
 && /opt/venv/bin/pip uninstall --yes --quiet pip

FROM python:3.13-slim
COPY --from=packages /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    INVOKER_HOST=0.0.0.0 INVOKER_PORT=8080 INVOKER_INTERNAL_HOST=0.0.0.0 INVOKER_INTERNAL_PORT=8081
# certificates are for the gateway's workers to read: 101 is nginx's group in its image
RUN useradd --system --uid 10001 invoker && install -d -o invoker /data /data/blobs \
 && install -d -o invoker -g 101 -m 2750 /certificates
WORKDIR /app
COPY shared shared
COPY services services
COPY web web
RUN rm -rf services/standalone && python -m compileall -q shared services
USER invoker
VOLUME /data
EXPOSE 8080 8081
HEALTHCHECK --interval=3s --timeout=4s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8081/readyz', timeout=3)"]
CMD ["python", "-m", "services.auth"]
