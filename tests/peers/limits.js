"use strict";
// The charging profiles of a charge point: one period each, in amperes.

const STATION_AMPS = 64;
const OUTLET_AMPS = 32;

class Limits {
  constructor() {
    this.profiles = [];
  }

  set(connector, profile, transactionId) {
    const { chargingSchedule: schedule, chargingProfilePurpose: purpose } = profile;
    const fits = schedule.chargingRateUnit === "A" && schedule.chargingSchedulePeriod.length === 1;
    const runs = purpose !== "TxProfile" || (transactionId !== undefined && profile.transactionId === transactionId);
    if (!fits || !runs) return false;
    const replaced = (other) => other.chargingProfileId === profile.chargingProfileId || (other.connector === connector
      && other.chargingProfilePurpose === purpose && other.stackLevel === profile.stackLevel);
    this.profiles = [...this.profiles.filter((other) => !replaced(other)), { connector, ...profile }];
    return true;
  }

  clear({ id, connectorId, chargingProfilePurpose: purpose, stackLevel }) {
    const meant = (one) => (id === undefined || one.chargingProfileId === id)
      && (connectorId === undefined || one.connector === connectorId)
      && (purpose === undefined || one.chargingProfilePurpose === purpose)
      && (stackLevel === undefined || one.stackLevel === stackLevel);
    const before = this.profiles.length;
    this.profiles = this.profiles.filter((one) => !meant(one));
    return this.profiles.length < before;
  }

  forget(transactionId) {
    this.profiles = this.profiles.filter((one) => one.transactionId !== transactionId || transactionId === undefined);
  }

  highest(purpose, counts) {
    const found = this.profiles.filter((one) => one.chargingProfilePurpose === purpose && counts(one));
    found.sort((one, other) => other.stackLevel - one.stackLevel || other.connector - one.connector);
    return found[0]?.chargingSchedule.chargingSchedulePeriod[0].limit;
  }

  ofStation() {
    return this.highest("ChargePointMaxProfile", () => true) ?? STATION_AMPS;
  }

  ofOutlet(number, transactionId) {
    const own = this.highest("TxProfile", (one) => transactionId !== undefined && one.transactionId === transactionId);
    const limit = own ?? this.highest("TxDefaultProfile", (one) => [0, number].includes(one.connector)) ?? OUTLET_AMPS;
    return Math.min(OUTLET_AMPS, limit);
  }
}

module.exports = { Limits };
