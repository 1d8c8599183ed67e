// Per-call peer of the benchmark: the transform of a destination function, in plain Node.
//
// The same as per_call.py, line for line where the languages allow: one process, no packages,
// calls read as a stream. By default a call's values are masked once for the three
// destinations; `--isolated` leaves that to each destination's function.
//
// The HMAC key comes from the environment variable PER_CALL_KEY.

import { createHmac, createSecretKey } from "node:crypto";
import { once } from "node:events";
import { createReadStream, createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const ALLOWED_EVENTS = new Set([
  "Appointment Booked",
  "Appointment Rescheduled",
  "Appointment Cancelled",
  "Prescription Refilled",
  "Site Searched",
  "Symptom Checker Submitted",
  "Message Sent",
  "Bill Paid",
  "Insurance Plan Changed",
  "Provider Searched",
  "Provider Viewed",
  "Video Visit Started",
  "Video Visit Ended",
  "Newsletter Signed Up",
  "Lab Result Viewed",
  "Order Completed",
  "Signed In",
  "Account Created",
]);
const SMALL_ZIP3_AREAS = new Set(
  "036 059 063 102 203 556 692 790 821 823 830 831 878 879 884 890 893".split(" "),
);
// By destination: a UTC timestamp at the precision it may receive (hour, second, day).
const TIMESTAMPS = {
  ga4: (stamp) => `${stamp.slice(0, 13)}:00:00`,
  mixpanel: (stamp) => stamp.slice(0, 19),
  amplitude: (stamp) => `${stamp.slice(0, 10)}T00:00:00`,
};
const PRECISIONS = Object.values(TIMESTAMPS);
const ZIP = /^[0-9]{5}(-?[0-9]{4})?$/;
const WRITE_CHARACTERS = 1 << 16;
const KEY = createSecretKey(Buffer.from(process.env.PER_CALL_KEY, "utf8"));

async function main() {
  const { values, positionals } = parseArgs({
    options: { isolated: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  const [rawCalls, output] = positionals;
  mkdirSync(output, { recursive: true });
  await run(rawCalls, output, values.isolated ? isolatedPayloads : payloads);
}

// Sends every usable call's payloads to the files of their destinations.
async function run(rawCalls, output, transform) {
  const lines = createInterface({ input: createReadStream(rawCalls), crlfDelay: Infinity });
  const rejected = new LineFile(join(output, "rejected.ndjson"), lines);
  const files = Object.keys(TIMESTAMPS).map(
    (destination) => new LineFile(join(output, `${destination}.ndjson`), lines),
  );
  const seen = new Set();
  lines.on("line", (line) => {
    let call, callType;
    try {
      call = JSON.parse(line);
      callType = call.type.trim().toLowerCase();
    } catch {
      rejected.write(line);
      return;
    }
    if (seen.has(call.messageId)) return;
    seen.add(call.messageId);
    if (callType !== "track" || !ALLOWED_EVENTS.has(call.event)) return;
    transform(call, callType).forEach((payload, index) => {
      files[index].write(JSON.stringify(payload));
    });
  });
  await once(lines, "close");
  await Promise.all([rejected, ...files].map((file) => file.close()));
}

// Makes the payloads of all destinations, masking once.
function payloads(call, callType) {
  const permitted = permittedCall(call, callType);
  return PRECISIONS.map((precise) => atPrecision(permitted, precise));
}

// Makes the payloads of all destinations, each from the call itself.
function isolatedPayloads(call, callType) {
  return PRECISIONS.map((precise) => atPrecision(permittedCall(call, callType), precise));
}

// Keeps what a destination may receive, in the form it may; timestamps are still exact.
function permittedCall(call, callType) {
  const properties = call.properties ?? {};
  return {
    row_id: token(call.messageId),
    call_type: callType,
    event: call.event,
    timestamp: utc(call.timestamp),
    received_at: utc(call.receivedAt),
    user_id: token(call.userId),
    anonymous_id: token(call.anonymousId),
    group_id: token(call.groupId),
    email_token: token(properties.email?.trim().toLowerCase()),
    phone_token: token(properties.phone?.replace(/[^0-9]/g, "")),
    member_token: token(properties.member_id),
    plan: properties.plan ?? null,
    zip3: zip3(properties.zip),
    age: ageCap(properties.age),
    price: properties.price ?? null,
    duration_seconds: rounded(properties.duration_seconds, 60),
  };
}

// Coarsens the timestamps to what one destination may receive.
function atPrecision(permitted, precise) {
  return {
    ...permitted,
    timestamp: permitted.timestamp && precise(permitted.timestamp),
    received_at: permitted.received_at && precise(permitted.received_at),
  };
}

function token(value) {
  if (value == null || value.trim() === "") return null;
  return createHmac("sha256", KEY).update(value).digest("hex");
}

function zip3(value) {
  if (value == null || !ZIP.test(value)) return null;
  const area = value.slice(0, 3);
  return SMALL_ZIP3_AREAS.has(area) ? "000" : area;
}

function ageCap(value) {
  return value == null || value < 0 || value > 130 ? null : Math.min(Math.floor(value), 90);
}

function rounded(value, step) {
  return value == null ? null : Math.round(value / step) * step;
}

function utc(value) {
  return value == null ? null : new Date(value).toISOString();
}

// A file written in large pieces, which holds up the reading of `lines` while it is behind.
class LineFile {
  constructor(path, lines) {
    this.stream = createWriteStream(path);
    this.lines = lines;
    this.pending = "";
  }

  write(line) {
    this.pending += `${line}\n`;
    if (this.pending.length >= WRITE_CHARACTERS) this.flush();
  }

  flush() {
    const isBehind = !this.stream.write(this.pending);
    this.pending = "";
    if (isBehind) {
      this.lines.pause();
      this.stream.once("drain", () => this.lines.resume());
    }
  }

  async close() {
    this.stream.end(this.pending);
    await once(this.stream, "finish");
  }
}

await main();
