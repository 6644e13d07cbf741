// Audits a bundle of a run, as `autopack log bundle` writes it, by docs/log_format.md alone:
//   node verify.mjs BUNDLE PUBLIC_KEY.pem
// Prints what is proved and exits 0; or says the position of what is wrong, and exits 1.
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const SCHEME = "urn:uuid:";
const HEAD = [
  "autopackbundle", "run", "logid", "chainorigin", "position", "chainhash", "eventsroot", "streams",
  "streamsroot", "publickey", "signature", "events", "texts",
];
const EVENT = [
  "chainbefore", "chainproof", "specversion", "id", "source", "type", "subject", "time",
  "datacontenttype", "schemaversion", "position", "streamversion", "recordedat", "meta",
  "chainorigin", "chainhash", "data", "data_base64",
];

class Fault extends Error {}
const must = (holds, what) => { if (!holds) throw new Fault(what); };

const sha256 = (...parts) =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
const u64 = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(n)); return b; };
const i64 = (n) => { const b = Buffer.alloc(8); b.writeBigInt64BE(n); return b; };
const isCount = (n) => Number.isSafeInteger(n) && n >= 0;
function hex(text, bytes, what) {
  const fits = typeof text === "string" && /^([0-9a-f]{2})*$/.test(text);
  must(fits && (bytes === null || text.length === 2 * bytes), `${what} is not hexadecimal`);
  return Buffer.from(text, "hex");
}

function uuid(text, what) {
  const groups = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
  must(typeof text === "string" && groups.test(text), `${what} is no UUID`);
  return Buffer.from(text.replaceAll("-", ""), "hex");
}

function microseconds(text, what) {
  const form = /^(\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{6}))?\+00:00$/.exec(text);
  must(form && !Number.isNaN(Date.parse(`${form[1]}Z`)), `${what} is no moment`);
  return BigInt(Date.parse(`${form[1]}Z`)) * 1000n + BigInt(form[2] ?? 0);
}

function only(names, line, what) {
  const odd = Object.keys(line).filter((name) => !names.includes(name));
  must(odd.length === 0, `${what} has what no bundle has: ${odd}`);
}

// The root of the tree of RFC 9162 by one leaf, its index, and the hashes beside its way up.
function rootBy(leaf, index, size, proof) {
  must(isCount(index) && index < size && proof.length % 32 === 0, "a proof is of no leaf");
  let found = sha256(Buffer.of(0), leaf);
  for (; size > 1; index = Math.floor(index / 2), size = Math.ceil(size / 2)) {
    if ((index % 2 ? index - 1 : index + 1) >= size) continue;
    const other = proof.subarray(0, 32);
    proof = proof.subarray(32);
    found = index % 2 ? sha256(Buffer.of(1), other, found) : sha256(Buffer.of(1), found, other);
  }
  must(proof.length === 0, "a proof is longer than its way");
  return found.toString("hex");
}

function readHead(line, publicKey) {
  only(HEAD, line, "the first line");
  must(line.autopackbundle === 1, "it is no bundle of a form that is known here");
  must(typeof line.run === "string" && isCount(line.events) && isCount(line.texts), "it names no run");
  must(isCount(line.position) && isCount(line.streams), "its figures are none");
  uuid(line.logid, "the log");
  const signed = Buffer.concat([
    Buffer.from("autopack-head\x01"), uuid(line.chainorigin, "the origin"), u64(line.position),
    hex(line.chainhash, 32, "its hash"), hex(line.eventsroot, 32, "its root"), u64(line.streams),
    hex(line.streamsroot, 32, "its root of streams"),
  ]);
  const raw = Buffer.from(publicKey.export({ format: "jwk" }).x, "base64url");
  must(hex(line.publickey, 32, "its key").equals(raw), "it is signed with another key");
  must(verify(null, signed, publicKey, hex(line.signature, 64, "its signature")),
    "its signature is wrong");
  return line;
}

function readEvent(text, line, head, position) {
  only(EVENT, line, "it");
  must(line.specversion === "1.0" && line.source === SCHEME + head.logid &&
    line.chainorigin === head.chainorigin, "it is of another log");
  const schema = line.schemaversion ?? 1;
  must(isCount(line.position) && isCount(line.streamversion) && isCount(schema) &&
    typeof line.subject === "string" && typeof line.type === "string", "its place is none");
  must(line.position > position, `it stands after position ${position}`);
  // As it is stored, to the byte: what JSON.parse() makes of it could be written otherwise.
  const at = text.indexOf(',"data":');
  const isText = "data_base64" in line;
  must(isText ? !("data" in line) : "data" in line && at > 0, "it says nothing");
  must((line.datacontenttype === "application/json") !== isText, "its data is of another kind");
  const data = isText ? Buffer.from(line.data_base64, "base64") : Buffer.from(text.slice(at + 8, -1));
  must(!isText || data.toString("base64") === line.data_base64, "its data cannot be read");
  const texts = [line.subject, line.type, line.meta ?? ""].map((one) => Buffer.from(one));
  const hash = sha256(
    hex(line.chainbefore, 32, "the hash before it"), u64(line.position), u64(line.streamversion),
    u32(schema), i64(microseconds(line.time, "its time")),
    i64(microseconds(line.recordedat, "when it was recorded")),
    ...[...texts, data].map((one) => u32(one.length)), uuid(line.id, "its id"), ...texts, data,
  );
  must(hash.toString("hex") === line.chainhash, "its hash does not fit what it says");
  const proof = hex(line.chainproof, null, "its proof");
  const root = rootBy(hash, line.position - 1, head.position, proof);
  must(root === head.eventsroot, "the signed log has another event at its place");
  return { ...line, data: isText ? data.toString() : line.data };
}

function readEnd(line, head) {
  only(["stream", "version", "index", "chainproof"], line, "the end of a stream");
  must(typeof line.stream === "string" && isCount(line.version), "the end of a stream is none");
  const leaf = Buffer.concat([u64(line.version), Buffer.from(line.stream)]);
  const root = rootBy(leaf, line.index, head.streams, hex(line.chainproof, null, "a proof"));
  must(root === head.streamsroot, `the signed log has not ${line.version} events in ${line.stream}`);
  return line;
}

// A stream without events stands between two that are neighbours, or before the first or last.
function readAbsence(line, head) {
  only(["stream", "version", "beside"], line, "the end of a stream");
  must(Array.isArray(line.beside) && typeof line.stream === "string", "it proves nothing");
  const name = Buffer.from(line.stream);
  const beside = line.beside.map((one) => readEnd(one, head));
  const before = beside.filter((one) => Buffer.compare(Buffer.from(one.stream), name) < 0);
  const after = beside.filter((one) => Buffer.compare(Buffer.from(one.stream), name) > 0);
  const [low, high] = [before[0]?.index ?? -1, after[0]?.index ?? head.streams];
  must(before.length < 2 && after.length < 2 && before.length + after.length === beside.length &&
    high === low + 1, `nothing proves that ${line.stream} has no events`);
  return line;
}

function complete(ends, seen, head) {
  const named = new Set([`run-${head.run}`, ...seen.phases.map((id) => `phase-${head.run}/${id}`)]);
  for (const stream of named) {
    const end = ends.get(stream), last = seen.versions.get(stream) ?? { version: 0, position: 0 };
    must(end !== undefined, `nothing proves how many events ${stream} has`);
    must(end === last.version, `position ${last.position}: of ${stream} what comes after version ` +
      `${last.version} is missing; it has ${end}`);
  }
  must(ends.size === named.size, "it proves the ends of streams that are not the run's");
  must(seen.events === head.events && seen.texts.size === head.texts,
    `after position ${seen.position}: of ${head.events} events and ${head.texts} texts there are ` +
    `${seen.events} and ${seen.texts.size}`);
}

function audit(path, publicKey) {
  const ends = new Map();
  const seen = { phases: [], versions: new Map(), position: 0, events: 0, texts: new Set() };
  let head = null;
  const lines = readFileSync(path, "utf8").split("\n");
  const cut = lines.pop() !== "";
  for (const [number, text] of lines.entries()) {
    let line = null;
    try {
      try { line = JSON.parse(text); } catch { must(false, "it cannot be read"); }
      if (head === null) head = readHead(line, publicKey);
      else if ("stream" in line) {
        must(seen.events === 0 && !ends.has(line.stream), "the end of a stream is out of its place");
        const read = "beside" in line ? readAbsence : readEnd;
        ends.set(line.stream, read(line, head).version);
      } else if ("text" in line) {
        only(["text", "content"], line, "a text");
        must(sha256(Buffer.from(line.content)).toString("hex") === line.text,
          `the text ${line.text} is another one`);
        seen.texts.add(line.text);
      } else {
        const event = readEvent(text, line, head, seen.position);
        const last = seen.versions.get(event.subject)?.version ?? 0;
        const isOurs = ends.has(event.subject);
        must(isOurs ? event.streamversion === last + 1 : event.streamversion > last,
          `of ${event.subject} version ${last + 1} is missing before it`);
        seen.versions.set(event.subject, { version: event.streamversion, position: event.position });
        if (event.type === "phase.queued" && event.subject === `run-${head.run}`)
          seen.phases.push(event.data.phase_id);
        seen.position = event.position;
        seen.events += 1;
      }
    } catch (fault) {
      if (![Fault, TypeError, RangeError].some((kind) => fault instanceof kind)) throw fault;
      const place = Number.isSafeInteger(line?.position) ? "" : "after ";
      throw new Fault(`${place}position ${line?.position ?? seen.position}, ` +
        `line ${number + 1}: ${fault.message}`);
    }
  }
  must(head !== null, "it is empty");
  complete(ends, seen, head);
  must(!cut, `after position ${seen.position}: the last line has no end`);
  return `${seen.events} events of run ${head.run}, none left out; ${seen.texts.size} texts. They stand in ` +
    `log ${head.logid}, signed up to position ${head.position}.`;
}

try {
  console.log(audit(process.argv[2], createPublicKey(readFileSync(process.argv[3]))));
} catch (fault) {
  console.log(fault.message);
  process.exitCode = 1;
}
