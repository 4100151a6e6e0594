"use strict";
// A charge point on `ocpp-rpc` in strict mode: it validates whatever it sends and receives.

const { RPCClient } = require("ocpp-rpc");
const { answersOf } = require("./answers");
const { Station, plate, tell } = require("./station");

const client = new RPCClient({
  endpoint: plate.endpoint,
  identity: plate.identity,
  protocols: ["ocpp1.6"],
  strictMode: true,
  respondWithDetailedErrors: true,
});
const station = new Station({
  call: (action, payload) => client.call(action, payload),
  async restart() {
    await client.close({ awaitPending: true }); // else an answer on its way is one to nothing
    await client.connect();
  },
});
for (const [action, answer] of answersOf(station)) client.handle(action, ({ params }) => answer(params));
client.on("strictValidationFailure", ({ method, outbound, isCall, error }) => {
  tell("complaint", { action: method, outbound, isCall, of: String(error), details: error.details });
});
client.on("badMessage", ({ buffer, error }) => tell("complaint", { frame: String(buffer), of: String(error) }));
client.on("open", () => station.boot());
client.connect();
