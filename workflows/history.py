"""How long a history is, and when a workflow of a long life has to continue as new."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows import policies


def history_is_long() -> bool:
    """Tell whether it is time: the server thinks so, or there are many events, which it allows."""
    return (
        workflow.info().is_continue_as_new_suggested() or history_events() > policies.HISTORY_EVENTS
    )


def history_events() -> int:
    """How many events the history has by now."""
    return workflow.info().get_current_history_length()
