// Pushback's room on Colyseus. `cargo xtask bench peer colyseus` measures it.
//
// Set up as its documentation advises for production, and where there is a choice, the cheaper way: input as
// bytes rather than MessagePack, integers of two bytes in the state, one write of each field before a patch, no
// per-player views, no logging. Prints one line when it listens: the address and what it runs on.

import { createServer } from "node:net";
import { createRequire } from "node:module";
import { Room, Server } from "@colyseus/core";
import { schema, t } from "@colyseus/schema";
import { SEATS, TICK_RATE_HZ, entering, step } from "./discs.mjs";

const SNAPSHOT_RATE_HZ = 30;
const ADDRESS = "127.0.0.1";

/** The type of the one message that players send, and where its newer input lies in it. */
const INPUTS = 0;
const NEWER_INPUT_AT = 8;

const Player = schema(
  {
    x: t.int16(),
    y: t.int16(),
    vx: t.int16(),
    vy: t.int16(),
    angle: t.uint16(),
    strain: t.uint8(),
    points: t.int16(),
  },
  "Player",
);
const Brawl = schema({ players: t.map(Player) }, "Brawl");

class BrawlRoom extends Room {
  maxClients = SEATS;
  patchRate = 1000 / SNAPSHOT_RATE_HZ;
  state = new Brawl();
  /** What is simulated: plain objects, so that a step does not go through the state's setters. */
  discs = [];

  onCreate() {
    this.onMessageBytes(INPUTS, (client, inputs) => {
      const disc = client.userData;
      disc.angle = inputs.readUInt16LE(NEWER_INPUT_AT);
      disc.thrust = inputs[NEWER_INPUT_AT + 2];
    });
    this.setFixedTimestep(() => step(this.discs), TICK_RATE_HZ);
  }

  onJoin(client) {
    client.userData = entering(this.discs.length);
    client.userData.player = new Player();
    this.discs.push(client.userData);
    this.state.players.set(client.sessionId, client.userData.player);
  }

  onLeave(client) {
    this.discs.splice(this.discs.indexOf(client.userData), 1);
    this.state.players.delete(client.sessionId);
  }

  onBeforePatch() {
    for (const disc of this.discs) {
      const player = disc.player;
      player.x = disc.x;
      player.y = disc.y;
      player.vx = disc.vx;
      player.vy = disc.vy;
      player.angle = disc.angle;
      player.strain = disc.strain;
      player.points = disc.points;
    }
  }
}

/** uWebSockets.js where it was installed, which is not on npm; else the default. */
async function transport() {
  try {
    const { uWebSocketsTransport } = await import("@colyseus/uwebsockets-transport");
    return { name: "uWebSockets", transport: new uWebSocketsTransport() };
  } catch {
    const { WebSocketTransport } = await import("@colyseus/ws-transport");
    return { name: "ws", transport: new WebSocketTransport() };
  }
}

/** uWebSockets does not tell which port it took for port 0. */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, ADDRESS, () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

const chosen = await transport();
const server = new Server({ transport: chosen.transport, greet: false });
server.define("brawl", BrawlRoom);
const port = await freePort();
await server.listen(port, ADDRESS);
const { version } = createRequire(import.meta.url)("@colyseus/core/package.json");
console.log(`listening on ${ADDRESS}:${port} Colyseus ${version}, ${chosen.name} transport, Node ${process.version}`);
