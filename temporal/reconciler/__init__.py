"""Reconciles what a crash left between the database and Temporal, within a minute.

Rows and workflows are two systems. A run's row is committed before its workflow is started, and its
verdict before its workflow closes; whatever dies in between, one of these holds, and is repaired:

- a row that waits for its workflow: the workflow is started (the start is idempotent);
- a row whose workflow Temporal does not know (it lost its data): the workflow is started again;
- a row whose workflow was ended from outside (terminated): the run fails, and says so;
- a charge point owned by a workflow that has ended: it is free again;
- a charge point that is there, and values that nobody pushes to it: their push is started;
- a service visit that is open, or over and nobody was told, without the project's workflow: it is
  started again, with all visits of the project;
- a site that was handed over and whose power nobody shares: its workflow is started;
- a charge point whose local list is not what its owner admits by now: its update is started;
- a transaction that has ended, and nobody told: it is ended, and its site is told;
- a transaction that has ended and waits to be billed: its billing is started;
- held records that their owner has not been told of, once a day: a mail is started;
- a charge point that several links speak as, and nobody was told: a mail is started;
- the open commissioning of a project without its workflow, or cancelled and not told: it is woken;
- a test transaction that outlived its run (its start was told too late): it gets its alarm;
- a charge point that is to be withdrawn, and something goes on at it: that is ended, and it is;
- an invitation whose end the project's workflow has missed: it is told, and started if need be;
- what has had its day (an answer that was kept for a repeat of its request, a session whose token
  has expired, a notice that has left): it is forgotten.

A Schedule has one worker at it at a time; two would do no harm. A row that cannot be repaired, or a
whole step that fails, is logged and holds up no other.
"""

from temporal.reconciler.rounds import Reconciler

__all__ = ["Reconciler"]
