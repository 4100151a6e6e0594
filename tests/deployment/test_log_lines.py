"""Every line of a process is JSON, those of Temporal's core included."""

from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from embedded.ports import free_port
from storage.migrate import upgrade
from tests.support.eventually import eventually
from tests.support.processes import dynamo, log_lines, until_ok


async def test_the_core_of_the_sdk_logs_json(
    time_skipping_env: WorkflowEnvironment, tmp_path: Path
) -> None:
    """It warns of what this server lacks, as soon as a worker polls it."""
    url = f"sqlite+aiosqlite:///{tmp_path}/engine.sqlite3"
    await upgrade(url)
    log, port = tmp_path / "worker.log", free_port()
    settings = {
        "DYNAMO_DATABASE_URL": url,
        "DYNAMO_SECRET_KEY": "s" * 43,
        "DYNAMO_DATA_DIR": str(tmp_path),
        "DYNAMO_WORKER_PORT": str(port),
        "TEMPORAL_ADDRESS": time_skipping_env.client.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": "default",
    }
    async with dynamo("worker", settings=settings, log=log):
        await until_ok(f"http://127.0.0.1:{port}/health/ready")

        def core_has_spoken() -> None:
            assert "temporalio.core" in log.read_text()

        await eventually(core_has_spoken)
    lines = log_lines(log)
    said = [line for line in lines if line["logger"].startswith("temporalio.core")]
    assert said
    assert all(line["process"] == "worker" and line["level"] for line in said)
    messages = [line["event"] for line in said]
    assert len(messages) == len(set(messages))  # two workers say the same, once
