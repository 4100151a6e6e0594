"use strict";
// What a charge point answers to each request of its central system (OCPP 1.6, section 5).

const { now, plate, tell } = require("./station");

// By action: a request's payload in, its answer's payload out. What follows an answer waits until it is sent.
function answersOf(station) {
  const { configuration, limits, outlets } = station;
  const then = (act) => station.after(1, act);
  const taken = (holds) => ({ status: holds ? "Accepted" : "Rejected" });
  const running = (transactionId) => [...outlets.values()].find((one) => one.session?.transactionId === transactionId);

  const answers = {
    GetConfiguration({ key }) {
      const asked = key?.length ? key : [...configuration.keys()];
      const shown = asked.filter((one) => configuration.has(one));
      return {
        configurationKey: shown.map((one) => {
          const { value, readonly } = configuration.get(one);
          return { key: one, readonly, value };
        }),
        unknownKey: asked.filter((one) => !configuration.has(one)),
      };
    },
    ChangeConfiguration({ key, value }) {
      const known = configuration.get(key);
      if (known === undefined) return { status: "NotSupported" };
      if (known.readonly) return { status: "Rejected" };
      if (known.restarts) station.pending.set(key, value);
      else known.value = value;
      return { status: known.restarts ? "RebootRequired" : "Accepted" };
    },
    Reset() {
      then(() => station.leave());
      return { status: "Accepted" };
    },
    TriggerMessage({ requestedMessage, connectorId }) {
      const asked = connectorId === undefined ? [...outlets.keys()] : [connectorId];
      const sends = {
        BootNotification: () => station.boot(),
        Heartbeat: () => station.call("Heartbeat", {}),
        StatusNotification: () => Promise.all(asked.map((one) => station.notify(one))),
        MeterValues: () => Promise.all(asked.map((one) => station.report(outlets.get(one), "Trigger"))),
        FirmwareStatusNotification: () => station.call("FirmwareStatusNotification", { status: "Idle" }),
        DiagnosticsStatusNotification: () => station.call("DiagnosticsStatusNotification", { status: "Idle" }),
      }[requestedMessage];
      if (sends === undefined) return { status: "NotImplemented" };
      then(sends);
      return { status: "Accepted" };
    },
    RemoteStartTransaction({ connectorId, idTag }) {
      const outlet = outlets.get(connectorId ?? 1);
      if (outlet === undefined || outlet.session !== null) return taken(false);
      const wanted = { idTag };
      outlet.wanted = wanted;
      then(() => station.begin(outlet, idTag));
      station.after(station.seconds("ConnectionTimeOut"), () => {
        if (outlet.wanted === wanted) outlet.wanted = null;
      });
      return taken(true);
    },
    RemoteStopTransaction({ transactionId }) {
      const outlet = running(transactionId);
      if (outlet !== undefined) then(() => station.end(outlet, "Remote"));
      return taken(outlet !== undefined);
    },
    ChangeAvailability({ connectorId, type }) {
      const meant = connectorId === 0 ? [...outlets.values()] : [outlets.get(connectorId)];
      if (meant.some((one) => one.session !== null)) return { status: "Scheduled" };
      const status = type === "Operative" ? "Available" : "Unavailable";
      then(() => Promise.all(meant.map((one) => station.become(one, status))));
      return taken(true);
    },
    UnlockConnector({ connectorId }) {
      if (!outlets.has(connectorId)) return { status: "NotSupported" };
      then(() => station.end(outlets.get(connectorId), "UnlockCommand"));
      return { status: "Unlocked" };
    },
    SetChargingProfile({ connectorId, csChargingProfiles }) {
      const holds = limits.set(connectorId, csChargingProfiles, outlets.get(connectorId)?.session?.transactionId);
      if (holds) then(() => station.draw());
      return taken(holds);
    },
    ClearChargingProfile(wanted) {
      const cleared = limits.clear(wanted);
      if (cleared) then(() => station.draw());
      return { status: cleared ? "Accepted" : "Unknown" };
    },
    GetCompositeSchedule({ connectorId, duration }) {
      const most = limits.ofStation();
      const session = outlets.get(connectorId)?.session;
      const limit = connectorId === 0 ? most : Math.min(most, limits.ofOutlet(connectorId, session?.transactionId));
      const chargingSchedulePeriod = [{ startPeriod: 0, limit }];
      return {
        status: "Accepted", connectorId, scheduleStart: now(),
        chargingSchedule: { duration, chargingRateUnit: "A", chargingSchedulePeriod },
      };
    },
    GetDiagnostics() {
      then(async () => {
        for (const status of ["Uploading", "Uploaded"]) await station.call("DiagnosticsStatusNotification", { status });
      });
      return { fileName: `${plate.serial}.log` };
    },
    UpdateFirmware({ location }) {
      then(async () => {
        for (const status of ["Downloading", "Downloaded", "Installing", "Installed"]) {
          await station.call("FirmwareStatusNotification", { status });
        }
        [plate.firmware] = /\d+(\.\d+)+/.exec(location); // an image has its version in its name
        await station.leave();
      });
      return {};
    },
    GetLocalListVersion: () => ({ listVersion: station.listVersion }),
    SendLocalList({ listVersion }) {
      station.listVersion = listVersion;
      return taken(true);
    },
    ClearCache: () => taken(true),
    DataTransfer: () => ({ status: "UnknownVendorId" }),
    ReserveNow: ({ connectorId }) => ({ status: outlets.get(connectorId)?.session ? "Occupied" : "Rejected" }),
    CancelReservation: () => taken(false),
  };
  return Object.entries(answers).map(([action, answer]) => [action, (payload) => {
    tell("asked", { action, payload });
    return answer(payload);
  }]);
}

module.exports = { answersOf };
