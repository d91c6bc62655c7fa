// Makes one measured run of BullMQ: adds jobs with addBulk, then lets workers drain them.
//
//   node peer.mjs '{"port": 6379, "jobs": 20000, "payload": "…", "bulk": 1000, "processes": 1, "concurrency": 50}'
//
// Prints {"version", "add_seconds", "drain_seconds"}. The times exclude starting node, connecting and loading scripts.
// Adding keeps two addBulk calls in flight, so that Redis works while this process encodes. Draining happens in this
// process or, with "processes" > 1, in that many child processes; a job counts when BullMQ reports it as completed.
// Completed jobs are removed immediately, which is BullMQ's fastest mode.
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { Queue, Worker } from "bullmq";

const NAME = "bench";
const run = JSON.parse(process.argv[2]);
const connection = { host: "127.0.0.1", port: run.port, maxRetriesPerRequest: null };

async function add() {
  const queue = new Queue(NAME, { connection, defaultJobOptions: { removeOnComplete: true } });
  await queue.waitUntilReady();
  await queue.getWaitingCount();
  const data = JSON.parse(run.payload);
  let left = run.jobs;
  const adder = async () => {
    while (left > 0) {
      const n = Math.min(left, run.bulk);
      left -= n;
      await queue.addBulk(Array.from({ length: n }, () => ({ name: "job", data })));
    }
  };
  const start = process.hrtime.bigint();
  await Promise.all([adder(), adder()]);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  await queue.close();
  return seconds;
}

// work drains the queue until stopped, and calls done(n) after every n completed jobs.
async function work(done) {
  const worker = new Worker(NAME, async () => null, {
    connection,
    autorun: false,
    concurrency: run.concurrency,
    removeOnComplete: { count: 0 },
  });
  worker.on("completed", () => done(1));
  worker.on("error", (error) => fail(error));
  await worker.waitUntilReady();
  return worker;
}

function fail(error) {
  console.error(String(error?.stack ?? error));
  process.exit(1);
}

async function drain() {
  let finish;
  let completed = 0;
  const finished = new Promise((resolve) => (finish = resolve));
  const count = (n) => {
    completed += n;
    if (completed >= run.jobs) finish();
  };
  const workers = [];
  const children = [];
  if (run.processes === 1) {
    workers.push(await work(count));
  } else {
    for (let i = 0; i < run.processes; i++) {
      const child = fork(new URL(import.meta.url).pathname, [process.argv[2]], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
      children.push(child);
      await new Promise((resolve, reject) => {
        child.once("message", resolve);
        child.once("exit", (code) => reject(new Error(`a worker process ended with ${code}`)));
      });
      child.removeAllListeners("exit");
      child.on("message", count);
    }
  }
  const start = process.hrtime.bigint();
  for (const w of workers) w.run().catch(fail);
  for (const c of children) c.send("go");
  await finished;
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  for (const c of children) c.kill("SIGKILL");
  return seconds;
}

// child runs a worker process: it reports that it is ready, waits for the start signal, and reports completed jobs.
async function child() {
  let pending = 0;
  const worker = await work((n) => (pending += n));
  setInterval(() => {
    if (pending > 0) {
      process.send(pending);
      pending = 0;
    }
  }, 2);
  process.on("message", () => worker.run().catch(fail));
  process.on("disconnect", () => process.exit(0));
  process.send(0);
}

if (process.send && run.processes > 1) {
  await child();
} else {
  const version = JSON.parse(readFileSync(new URL("node_modules/bullmq/package.json", import.meta.url))).version;
  const addSeconds = await add();
  const drainSeconds = await drain();
  console.log(JSON.stringify({ version, add_seconds: addSeconds, drain_seconds: drainSeconds }));
  process.exit(0);
}
