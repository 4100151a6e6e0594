"use strict";
// A charge point on `ocpp-ts`. It validates requests itself; its own schemas are held to the answers here.

const { OcppClient } = require("ocpp-ts");
const { default: schemas } = require("ocpp-ts/dist/src/impl/schemas");
const { answersOf } = require("./answers");
const { Station, plate, tell } = require("./station");

const Ajv = require(require.resolve("ajv", { paths: [require.resolve("ocpp-ts")] }));
const ajv = new Ajv();

function fits(name, payload) {
  const { $schema, ...schema } = schemas[name]; // as it does with the schemas of requests
  if (!ajv.validate(schema, payload)) tell("complaint", { name, payload, of: ajv.errorsText() });
}

let client;
const station = new Station({
  async call(action, payload) {
    fits(action, payload);
    const link = client;
    const answer = await link.callRequest(action, payload).catch((error) => {
      if (link === client) throw error;
      return new Promise(() => {}); // in flight as it restarted: it forgets it, and does not miss its answer 10 s later
    });
    fits(`${action}Response`, answer);
    return answer;
  },
  restart() {
    client.connection.socket.close(); // it has no method of its own for that
    connect();
  },
});
const answers = answersOf(station);

function connect() {
  client = new OcppClient(plate.identity);
  for (const [action, answer] of answers) {
    client.on(action, (request, reply) => {
      fits(action, request);
      const response = answer(request);
      fits(`${action}Response`, response);
      reply(response);
    });
  }
  client.on("error", (error) => tell("complaint", { of: String(error) }));
  client.on("connect", () => station.boot());
  client.connect(`${plate.endpoint}/`);
}

console.error = (...said) => tell("complaint", { of: said.join(" ") }); // its word for frames that it cannot read
connect();
