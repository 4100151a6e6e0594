# One image for every process: `dynamo api`, `worker`, `ocpp-server`, `migrate`, and `up` for all.
# tests/support/wheel.py runs the commands of the build stage, and the tests play the guide on what they install.
# One image exactly, for all architectures (Python 3.11.16): docs/how-to/run-as-services.md says how to take a newer one.
ARG PYTHON_IMAGE=python:3.11-slim@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7
FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
RUN python -m venv /opt/dynamo
# The dependencies first: they change less often than the code.
COPY requirements/runtime.lock requirements/bootstrap.lock requirements/
RUN /opt/dynamo/bin/pip install --require-hashes --requirement requirements/runtime.lock
COPY . .
# The build backend is locked too, and stays in an environment of its own.
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes --requirement requirements/bootstrap.lock \
    && /opt/build/bin/hatchling build --target wheel --directory /tmp/wheel \
    && /opt/dynamo/bin/pip install --no-deps /tmp/wheel/*.whl \
    && /opt/dynamo/bin/python -m compileall -q /opt/dynamo

FROM ${PYTHON_IMAGE}
RUN useradd --system --uid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin dynamo \
    && install --directory --owner dynamo --group dynamo --mode 0700 /data
COPY --from=build /opt/dynamo /opt/dynamo
ENV PATH=/opt/dynamo/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DYNAMO_DATA_DIR=/data
USER dynamo
WORKDIR /data
VOLUME /data
# API and OCPP; Temporal and its web UI where `dynamo up` runs stay inside.
EXPOSE 8000 9000
ENTRYPOINT ["dynamo"]
CMD ["--help"]
