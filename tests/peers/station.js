"use strict";
// The hardware of a charge point with two outlets, for the programs that speak through a stack of others.
//
// A program starts with the type plate as JSON: endpoint, identity, vendor, model, serial, firmware, and
// `speed`, by which every interval is shortened; energy and timestamps stay real. What is done to it comes as lines
// of JSON on stdin, and what happens goes as such to stdout: see peer.py.

const readline = require("node:readline");
const { Limits } = require("./limits");

const plate = JSON.parse(process.argv[2]);
const VOLTS = 230;
const PHASES = 3;
const LEAST_AMPS = 6;
const MS_PER_HOUR = 3600e3;

const tell = (event, facts = {}) => console.log(JSON.stringify({ event, ...facts }));
const now = () => new Date().toISOString();
const writable = (value, restarts = false) => ({ value, readonly: false, restarts });
const fixed = (value) => ({ value, readonly: true });

class Outlet {
  constructor(number, status) {
    Object.assign(this, { number, status, plugged: false, wanted: null, session: null });
    Object.assign(this, { registerWh: 1e6 * number, amps: 0, since: Date.now() });
  }

  get watts() {
    return this.amps * VOLTS * PHASES;
  }

  count() {
    this.registerWh += (this.watts * (Date.now() - this.since)) / MS_PER_HOUR;
    this.since = Date.now();
    return Math.round(this.registerWh);
  }
}

class Station {
  // `call(action, payload)` has the stack send it and gives the answer; `restart()` ends the link and makes a new one.
  constructor({ call, restart }) {
    Object.assign(this, { send: call, restart, timers: new Set(), listVersion: 0, boots: 0 });
    this.outlets = new Map([[1, new Outlet(1, "Available")], [2, new Outlet(2, "Unavailable")]]);
    this.limits = new Limits();
    this.pending = new Map(); // values that count after a restart
    this.configuration = new Map(Object.entries({
      AuthorizationCacheEnabled: writable("false"),
      ConnectionTimeOut: writable("600"),
      HeartbeatInterval: writable("900"),
      MeterValueSampleInterval: writable("600", true),
      ChargeProfileMaxStackLevel: fixed("8"),
      ChargingScheduleAllowedChargingRateUnit: fixed("Current"),
      ChargingScheduleMaxPeriods: fixed("1"),
      MaxChargingProfilesInstalled: fixed("10"),
      MeterValuesSampledData: fixed("Energy.Active.Import.Register,Power.Active.Import,Current.Import"),
      NumberOfConnectors: fixed("2"),
      SupportedFeatureProfiles: fixed("Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"),
    }));
    readline.createInterface({ input: process.stdin })
      .on("line", (line) => this.obey(JSON.parse(line)))
      .on("close", () => process.exit(0));
    process.on("unhandledRejection", (error) => {
      if (!this.leaving) tell("complaint", { of: error.stack, details: error.details });
    });
  }

  // --- time ---------------------------------------------------------------------------------

  after(seconds, act) {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      act();
    }, (seconds * 1000) / plate.speed);
    this.timers.add(timer);
  }

  seconds(key) {
    return Number(this.configuration.get(key).value);
  }

  // --- what it says -------------------------------------------------------------------------

  call(action, payload) {
    return this.send(action, payload);
  }

  // Boot, again while it is not accepted, then beat; until another boot takes its place.
  async boot() {
    this.leaving = false;
    this.boots += 1;
    const mine = this.boots;
    const answer = await this.call("BootNotification", {
      chargePointVendor: plate.vendor,
      chargePointModel: plate.model,
      chargePointSerialNumber: plate.serial,
      firmwareVersion: plate.firmware,
    });
    tell("boot", { status: answer.status });
    if (answer.status !== "Accepted") {
      this.after(answer.interval, () => mine === this.boots && this.boot());
      return;
    }
    if (answer.interval > 0) this.configuration.get("HeartbeatInterval").value = String(answer.interval);
    for (const number of [0, ...this.outlets.keys()]) await this.notify(number);
    await this.call("DataTransfer", { vendorId: plate.vendor, messageId: "Started", data: "{}" });
    await this.call("FirmwareStatusNotification", { status: "Idle" });
    await this.call("DiagnosticsStatusNotification", { status: "Idle" });
    const beat = async () => {
      if (mine !== this.boots) return;
      await this.call("Heartbeat", {});
      this.after(this.seconds("HeartbeatInterval"), beat);
    };
    this.after(this.seconds("HeartbeatInterval"), beat);
  }

  notify(number) {
    const status = this.outlets.get(number)?.status ?? "Available";
    return this.call("StatusNotification", { connectorId: number, errorCode: "NoError", status, timestamp: now() });
  }

  become(outlet, status) {
    if (outlet.status === status) return undefined;
    outlet.status = status;
    return this.notify(outlet.number);
  }

  report(outlet, context) {
    const sampled = (measurand, value, unit) => ({ value: String(value), measurand, unit, context });
    const sampledValue = [
      sampled("Energy.Active.Import.Register", outlet.count(), "Wh"),
      sampled("Power.Active.Import", outlet.watts.toFixed(1), "W"),
      ...["L1", "L2", "L3"].map((phase) => ({ ...sampled("Current.Import", outlet.amps.toFixed(1), "A"), phase })),
    ];
    const session = outlet.session === null ? {} : { transactionId: outlet.session.transactionId };
    return this.call("MeterValues", { connectorId: outlet.number, ...session, meterValue: [{ timestamp: now(), sampledValue }] });
  }

  // --- sessions -----------------------------------------------------------------------------

  async begin(outlet, idTag) {
    if (!outlet.plugged || outlet.session !== null) return;
    const session = { idTag };
    outlet.session = session;
    outlet.wanted = null;
    const started = await this.call("StartTransaction", {
      connectorId: outlet.number, idTag, meterStart: outlet.count(), timestamp: now(),
    });
    session.transactionId = started.transactionId;
    tell("started", { connector: outlet.number, transaction: started.transactionId });
    if (started.idTagInfo.status !== "Accepted") { await this.end(outlet, "DeAuthorized"); return; }
    await this.draw();
    const sample = async () => {
      if (outlet.session !== session) return;
      await this.report(outlet, "Sample.Periodic");
      this.after(this.seconds("MeterValueSampleInterval"), sample);
    };
    this.after(this.seconds("MeterValueSampleInterval"), sample);
  }

  async end(outlet, reason) {
    const { session } = outlet;
    if (session === null) return;
    const meterStop = outlet.count();
    outlet.session = null;
    this.limits.forget(session.transactionId);
    await this.draw();
    await this.call("StopTransaction", {
      transactionId: session.transactionId, idTag: session.idTag, meterStop, timestamp: now(), reason,
    });
    tell("stopped", { connector: outlet.number });
    await this.become(outlet, outlet.plugged ? "Finishing" : "Available");
  }

  // Let the vehicles draw what the limits allow, now.
  async draw() {
    let left = this.limits.ofStation();
    for (const outlet of this.outlets.values()) {
      const { transactionId } = outlet.session ?? {};
      const allowed = transactionId === undefined ? 0 : Math.min(left, this.limits.ofOutlet(outlet.number, transactionId));
      const amps = allowed < LEAST_AMPS ? 0 : allowed;
      left -= amps;
      if (amps !== outlet.amps) {
        outlet.count();
        outlet.amps = amps;
        tell("amps", { connector: outlet.number, amps });
      }
    }
    // Only now: while it waits for an answer, another limit may come, and all of this be done anew.
    for (const outlet of this.outlets.values()) {
      if (outlet.session?.transactionId !== undefined) await this.become(outlet, outlet.amps === 0 ? "SuspendedEVSE" : "Charging");
    }
  }

  // --- who stands before it -----------------------------------------------------------------

  async obey({ act, connector, tag }) {
    const outlet = this.outlets.get(connector);
    if (act === "plug") {
      outlet.plugged = true;
      await this.become(outlet, "Preparing");
      if (outlet.wanted !== null) await this.begin(outlet, outlet.wanted.idTag);
    } else if (act === "unplug") {
      outlet.plugged = false;
      await this.end(outlet, "EVDisconnected");
      await this.become(outlet, "Available");
    } else if (act === "card") {
      const { idTagInfo } = await this.call("Authorize", { idTag: tag });
      tell("authorized", { status: idTagInfo.status });
      if (idTagInfo.status === "Accepted") await this.begin(outlet, tag);
    }
  }

  async leave() {
    for (const outlet of this.outlets.values()) await this.end(outlet, "SoftReset");
    this.leaving = true;
    this.timers.forEach(clearTimeout);
    this.timers.clear();
    this.pending.forEach((value, key) => { this.configuration.get(key).value = value; });
    try {
      await this.restart();
    } catch (error) {
      tell("complaint", { of: String(error) });
    }
  }
}

module.exports = { Station, plate, tell, now };
