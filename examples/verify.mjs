// Audits a bundle of a run, as `autopack log bundle` writes it, by docs/log_format.md alone:
//   node verify.mjs BUNDLE PUBLIC_KEY.pem
// Prints what is proved and exits 0; or says the position of what is wrong, and exits 1.
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const HEAD = ("autopackbundle run logid chainorigin position chainhash eventsroot streams " +
  "streamsroot publickey signature events texts").split(" ");
const END = ["stream", "version", "index", "chainproof", "beside"];
const EVENT = ("chainbefore chainproof specversion id source type subject time datacontenttype " +
  "schemaversion position streamversion recordedat meta chainorigin chainhash data_base64").split(" ");

const must = (holds, what) => { if (!holds) throw new Error(what); };
const sha256 = (...parts) =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
const u64 = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(n)); return b; };
const i64 = (n) => { const b = Buffer.alloc(8); b.writeBigInt64BE(n); return b; };
const isCount = (n) => Number.isSafeInteger(n) && n >= 0;
const parsed = (text) => { try { return JSON.parse(text); } catch { return undefined; } };
function hex(text, bytes, what) {
  const fits = typeof text === "string" && /^([0-9a-f]{2})*$/.test(text);
  must(fits && (bytes === null || text.length === 2 * bytes), `${what} is not hexadecimal`);
  return Buffer.from(text, "hex");
}
function uuid(text, what) {
  must(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text), `${what} is no UUID`);
  return Buffer.from(text.replaceAll("-", ""), "hex");
}
function microseconds(text, what) {
  const form = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{6}))?\+00:00$/.exec(text);
  const ms = Date.parse(`${form?.[1]}Z`);  // takes 24:00 and 30 February, too
  must(!Number.isNaN(ms) && new Date(ms).toISOString().startsWith(form[1]) && form[2] !== "000000",
    `${what} is no moment`);
  return BigInt(ms) * 1000n + BigInt(form[2] ?? 0);
}

// One way to write it: of another one, which JSON.parse() takes, readers could make other things.
const plain = (names, line, text) =>
  must(text === JSON.stringify(line, names), "it is not written as bundles are");

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

function readHead(text, line, publicKey) {
  plain(HEAD, line, text);
  must(line.autopackbundle === 1, "it is no bundle of a form that is known here");
  must(typeof line.run === "string" && ["position", "streams", "events", "texts"]
    .every((name) => isCount(line[name])), "it names no run, or its figures are none");
  const signed = Buffer.concat([
    Buffer.from("autopack-head\x01"), uuid(line.chainorigin, "the origin"), u64(line.position),
    hex(line.chainhash, 32, "its hash"), hex(line.eventsroot, 32, "its root"), u64(line.streams),
    hex(line.streamsroot, 32, "its root of streams"),
  ]);
  must(publicKey.asymmetricKeyType === "ed25519", "the key to check it by is none of Ed25519");
  const raw = Buffer.from(publicKey.export({ format: "jwk" }).x, "base64url");
  must(hex(line.publickey, 32, "its key").equals(raw), "it is signed with another key");
  const signature = hex(line.signature, 64, "its signature");
  must(verify(null, signed, publicKey, signature), "its signature is wrong");
  return line;
}

function readEvent(text, line, head, position) {
  const isText = "data_base64" in line;
  const front = JSON.stringify(line, EVENT).slice(0, -1) + (isText ? "" : ',"data":');
  must(isText ? text === `${front}}` : text.startsWith(front), "it is not written as bundles are");
  must(line.specversion === "1.0" && line.source === `urn:uuid:${head.logid}` &&
    line.chainorigin === head.chainorigin, "it is of another log");
  const { schemaversion: schema = 1, meta = "" } = line;
  must([line.position, line.streamversion, schema].every(isCount) &&
    [line.subject, line.type, meta].every((one) => typeof one === "string"), "its place is none");
  must(line.position > position, `it stands after position ${position}`);
  must(line.schemaversion !== 1 && line.meta !== "" &&
    line.datacontenttype === (isText ? undefined : "application/json"), "an attribute is needless");
  const data = isText ? Buffer.from(line.data_base64, "base64") : Buffer.from(text.slice(front.length, -1));
  must(!isText || data.toString("base64") === line.data_base64, "its data cannot be read");
  const texts = [line.subject, line.type, meta].map((one) => Buffer.from(one));
  const hash = sha256(
    hex(line.chainbefore, 32, "the hash before it"), u64(line.position), u64(line.streamversion),
    u32(schema), i64(microseconds(line.time, "its time")),
    i64(microseconds(line.recordedat, "when it was recorded")),
    ...[...texts, data].map((one) => u32(one.length)), uuid(line.id, "its id"), ...texts, data,
  );
  must(hash.toString("hex") === line.chainhash, "its hash does not fit what it says");
  const root = rootBy(hash, line.position - 1, head.position, hex(line.chainproof, null, "its proof"));
  must(root === head.eventsroot, "the signed log has another event at its place");
  return { ...line, stored: data.toString(), data: parsed(data.toString()) ?? {} };
}

function readEnd(line, head) {
  must(typeof line.stream === "string" && isCount(line.version) && !("beside" in line),
    "the end of a stream is none");
  const leaf = Buffer.concat([u64(line.version), Buffer.from(line.stream)]);
  const root = rootBy(leaf, line.index, head.streams, hex(line.chainproof, null, "a proof"));
  must(root === head.streamsroot, `the signed log has not ${line.version} events in ${line.stream}`);
}

// A stream without events stands between two that are neighbours, or before the first or last.
function readAbsence({ stream, version, beside, ...odd }, head) {
  beside.forEach((one) => readEnd(one, head));
  const order = (one) => Buffer.compare(Buffer.from(one.stream), Buffer.from(stream));
  const [before, after] = [-1, 1].map((side) => beside.filter((one) => order(one) === side));
  const [low, high] = [before[0]?.index ?? -1, after[0]?.index ?? head.streams];
  must(version === 0 && before.length < 2 && after.length < 2 && high === low + 1 &&
    before.length + after.length === beside.length && Object.keys(odd).length === 0,
  `nothing proves that ${stream} has no events`);
}

function readText(text, line, seen) {
  plain(["text", "content"], line, text);
  must(sha256(Buffer.from(line.content)).toString("hex") === line.text, "the text is another one");
  const at = seen.named.get(line.text) ?? -1;
  must(at > seen.at, `no event names the text ${line.text}, or it is out of its place`);
  Object.assign(seen, { at, texts: seen.texts + 1 });
}

function place(event, seen, head) {
  const { subject: stream, streamversion: version, position, type, data, stored } = event;
  const last = seen.versions.get(stream)?.version ?? 0, isOurs = seen.ends.has(stream);
  must(isOurs ? version === last + 1 : version > last,
    `of ${stream} version ${last + 1} is missing before it`);
  const isAbout = data.run_id === head.run || ["drain.started", "drain.stopped"].includes(type);
  must(isOurs || (stream.startsWith("drain-") && isAbout),
    `it is of another run, or nothing proves how many events ${stream} has`);
  must(seen.texts === 0, "it comes after the texts");
  seen.versions.set(stream, { version, position });
  if (type === "phase.queued" && stream === `run-${head.run}`) seen.phases.push(data.phase_id);
  if (type === "phase.claimed") seen.drains.add(`drain-${data.drain}`);
  const digests = stored.match(/\b[0-9a-f]{64}\b/g) ?? [];
  digests.forEach((one) => seen.named.has(one) || seen.named.set(one, seen.named.size));
  Object.assign(seen, { position, events: seen.events + 1, ours: seen.ours + isOurs });
}

function complete(seen, head) {
  const streams = new Set([`run-${head.run}`, ...seen.phases.map((id) => `phase-${head.run}/${id}`)]);
  const after = `after position ${seen.position}: `;
  for (const stream of streams) {
    const end = seen.ends.get(stream), last = seen.versions.get(stream) ?? { version: 0, position: 0 };
    must(end !== undefined, `${after}nothing proves how many events ${stream} has`);
    must(end === last.version, `position ${last.position}: of ${stream} what comes after version ` +
      `${last.version} is missing; it has ${end}`);
  }
  must([...seen.ends.keys()].join("\n") === [...streams].join("\n"),
    `${after}the ends of streams are not the run's and its phases', in their order`);
  for (const [stream, { position }] of seen.versions)
    must(streams.has(stream) || seen.drains.has(stream), `position ${position}: it is of another run`);
  must(seen.events === head.events && seen.texts === head.texts, `${after}of ${head.events} events ` +
    `and ${head.texts} texts there are ${seen.events} and ${seen.texts}`);
}

function audit(file, publicKey) {
  const seen = { ends: new Map(), phases: [], drains: new Set(), versions: new Map(), position: 0,
    events: 0, ours: 0, named: new Map(), texts: 0, at: -1 };
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let head;
  for (let number = 1, from = 0, to; from < file.length; from = to + 1, number += 1) {
    let line;
    try {
      to = file.indexOf("\n", from);
      must(to >= 0, "the last line has no end");
      const text = utf8.decode(file.subarray(from, to));
      must((line = parsed(text)) instanceof Object, "it cannot be read");
      if (!head) head = readHead(text, line, publicKey);
      else if ("stream" in line) {
        plain(END, line, text);
        must(seen.events + seen.texts === 0 && !seen.ends.has(line.stream),
          "the end of a stream is out of its place");
        ("beside" in line ? readAbsence : readEnd)(line, head);
        seen.ends.set(line.stream, line.version);
      } else if ("text" in line) readText(text, line, seen);
      else place(readEvent(text, line, head, seen.position), seen, head);
    } catch (fault) {
      const at = isCount(line?.position) ? `position ${line.position}` : `after position ${seen.position}`;
      throw new Error(`${at}, line ${number}: ${fault.message}`);
    }
  }
  must(head, "after position 0: it is empty");
  complete(seen, head);
  return `${seen.ours} events of run ${head.run}, none left out; ${seen.events - seen.ours} of its drains; ` +
    `${seen.texts} texts. Signed up to position ${head.position} of the log of origin ${head.chainorigin}.`;
}

try {
  must(process.argv.length === 4, "usage: node verify.mjs BUNDLE PUBLIC_KEY.pem");
  console.log(audit(readFileSync(process.argv[2]), createPublicKey(readFileSync(process.argv[3]))));
} catch (fault) {
  console.log(fault.message);
  process.exitCode = 1;
}
