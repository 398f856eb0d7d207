// Lambda's runtime client for Node.js: takes events from the Runtime API, has the function handle
// them, and answers. Ours, since AWS's own has a part in C++ that is built at its installation
// (docs/decisions). What users and tools see of it is as in AWS's: how handlers are found, their
// context, the forms of errors and of lines in the log.

import { existsSync, readFileSync, writeSync } from "node:fs";
import { Agent, request } from "node:http";
import { createRequire, syncBuiltinESMExports } from "node:module";
import os from "node:os";
import path from "node:path";
import { Writable } from "node:stream";
import { pathToFileURL } from "node:url";
import { format, inspect, types } from "node:util";

const { env } = process;
const [HOST, PORT] = env.AWS_LAMBDA_RUNTIME_API.split(":");
const BASE = "/2018-06-01/runtime";
// Connections that wait for the next call do not keep the process alive.
const agent = new Agent({ keepAlive: true, maxSockets: 2 });
const MAJOR = Number(process.versions.node.split(".")[0]);
// Exit statuses of AWS's client.
const FAILED_INIT = 129;
const UNHANDLED_REJECTION = 128;

// --- The Runtime API ------------------------------------------------------------------------------

/** One call; its answer's headers and text. Whatever is not a success ends the process. */
function call(method, name, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const bytes = body === undefined ? undefined : Buffer.from(body);
    if (bytes) headers = { ...headers, "Content-Type": "application/json", "Content-Length": bytes.length };
    const sent = request({ agent, host: HOST, port: PORT, method, path: `${BASE}/${name}`, headers }, (answer) => {
      const parts = [];
      answer.on("error", reject);
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => {
        const text = Buffer.concat(parts).toString();
        if (answer.statusCode < 300) resolve({ headers: answer.headers, text });
        else reject(new Error(`the Runtime API answered ${name} with ${answer.statusCode}: ${text}`));
      });
    });
    sent.on("error", reject);
    sent.end(bytes);
  });
}

/** Tells of an error that ends the start; the process ends after it. */
async function failInit(error) {
  log("ERROR", undefined, ["Init Error", described(error)]);
  const headers = { "Lambda-Runtime-Function-Error-Type": headerText(typeOf(error)) };
  await call("POST", "init/error", JSON.stringify(wire(error)), headers).catch(() => {});
  process.exit(FAILED_INIT);
}

function postError(id, error) {
  const headers = { "Lambda-Runtime-Function-Error-Type": headerText(typeOf(error)) };
  return call("POST", `invocation/${id}/error`, JSON.stringify(wire(error)), headers);
}

// --- Errors ---------------------------------------------------------------------------------------

function named(name, message) {
  return Object.assign(new Error(message), { name });
}

function isError(value) {
  return types.isNativeError(value) || (value && typeof value === "object" && "name" in value && "message" in value && "stack" in value);
}

function typeOf(error) {
  return isError(error) ? String(error.name) : typeof error;
}

function headerText(text) {
  return text.replace(/[^\x20-\x7e]/g, "?");
}

/** An error as callers see it. */
function wire(error) {
  try {
    if (!isError(error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
    const { name, message, stack } = error;
    const described = { errorType: name, errorMessage: message };
    if (error.reason !== undefined && name === "Runtime.UnhandledPromiseRejection") {
      Object.assign(described, { reason: wire(error.reason), promise: {} });
    }
    return { ...described, trace: String(stack ?? "").split("\n") };
  } catch {
    const errorMessage =
      "callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack";
    return { errorType: "handled", errorMessage };
  }
}

/** An error as the log shows it: with all that its maker put into it. */
function described(error) {
  try {
    if (!isError(error)) return JSON.stringify(wire(error));
    const { name, message, stack, ...own } = error;
    const shown = { errorType: error.name, errorMessage: error.message, ...own, stack: String(error.stack ?? "").split("\n") };
    return `\t${JSON.stringify(shown, (_, value) => (isError(value) ? wire(value) : value))}`;
  } catch {
    return `\t${JSON.stringify(wire(error))}`;
  }
}

// --- The log --------------------------------------------------------------------------------------

const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const AS_JSON = env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === "JSON";
const LEAST = AS_JSON ? Math.max(0, LEVELS.indexOf(env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase())) : 0;
let current;

function log(level, id, values) {
  if (LEVELS.indexOf(level) < LEAST) return;
  const timestamp = new Date().toISOString();
  const line = AS_JSON ? jsonLine(timestamp, level, id, values) : `${timestamp}\t${id}\t${level}\t${format(...values)}`;
  write(`${line}\n`);
}

/** Writes all of it, also into a pipe that is full for a moment. */
function write(text) {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (error.code !== "EAGAIN") return;
    }
  }
}

function jsonLine(timestamp, level, requestId, values) {
  const replace = () => {
    const seen = [];
    return function (_, value) {
      if (typeof value === "bigint") return String(value);
      if (isError(value)) return { errorType: value.name, errorMessage: value.message, stackTrace: String(value.stack).split("\n").slice(1) };
      if (value === null || typeof value !== "object") return value;
      while (seen.length > 0 && seen.at(-1) !== this) seen.pop();
      if (seen.includes(value)) return "[Circular]";
      seen.push(value);
      return value;
    };
  };
  const entry = { timestamp, level, requestId };
  if (values.length === 1 && isError(values[0])) {
    const { errorType, errorMessage, trace } = wire(values[0]);
    return JSON.stringify({ ...entry, message: errorMessage, errorType, errorMessage, stackTrace: trace.slice(1) });
  }
  const message = values.length === 1 && typeof values[0] === "object" ? values[0] : format(...values);
  try {
    return JSON.stringify({ ...entry, message }, replace());
  } catch {
    return JSON.stringify({ ...entry, message: inspect(message) });
  }
}

function patchConsole() {
  const levels = { trace: "TRACE", debug: "DEBUG", log: "INFO", info: "INFO", warn: "WARN", error: "ERROR", fatal: "FATAL" };
  for (const [method, level] of Object.entries(levels)) {
    console[method] = (...values) => log(level, current?.id, values);
  }
}

// --- The handler ----------------------------------------------------------------------------------

/** Splits `folder/module.export.nested`. */
function parseHandler(text) {
  if (text.includes("..")) {
    const words = `'${text}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`;
    throw named("Runtime.MalformedHandlerName", words);
  }
  const [, module, exported] = path.basename(text).match(/^([^.]*)\.(.*)$/) ?? [];
  if (!module || !exported) throw named("Runtime.MalformedHandlerName", "Bad handler");
  return { folder: text.slice(0, text.length - path.basename(text).length), module, exported };
}

/** Whether the nearest package.json above a file says that it is an ES module. */
function isEsModule(file) {
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const description = path.join(folder, "package.json");
    if (existsSync(description)) {
      try {
        return JSON.parse(readFileSync(description, "utf8")).type === "module";
      } catch {
        console.warn(`package.json cannot be read: ${description}`);
        return false;
      }
    }
    if (folder === path.dirname(folder)) return false;
  }
}

async function load(root, folder, module) {
  const require = createRequire(import.meta.url);
  const place = path.resolve(root, folder, module);
  if (existsSync(`${place}.js`)) {
    const file = `${place}.js`;
    return isEsModule(file) ? import(pathToFileURL(file).href) : require(file);
  }
  if (existsSync(`${place}.mjs`)) return import(pathToFileURL(`${place}.mjs`).href);
  if (existsSync(`${place}.cjs`)) return require(`${place}.cjs`);
  // Whatever Node.js finds: a file of that very name, a folder with an index, a package.
  return require(require.resolve(`./${path.join(folder, module)}`, { paths: [root] }));
}

async function loadHandler() {
  const name = env._HANDLER;
  const { folder, module, exported } = parseHandler(name);
  let loaded;
  try {
    loaded = await load(env.LAMBDA_TASK_ROOT, folder, module);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw Object.assign(named("Runtime.UserCodeSyntaxError", String(error)), { stack: error.stack });
    }
    if (error?.code === "MODULE_NOT_FOUND" || error?.code === "ERR_MODULE_NOT_FOUND") {
      throw named("Runtime.ImportModuleError", notFound(error, folder + module));
    }
    throw error;
  }
  const members = exported.split(".");
  const find = (from) => members.reduce((value, member) => value?.[member], from);
  const handler = find(loaded) ?? find(loaded?.default);
  if (handler === undefined || handler === null) {
    throw named("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
  }
  if (typeof handler !== "function") throw named("Runtime.HandlerNotFound", `${name} is not a function`);
  return handler;
}

/** AWS's words when the handler's own module is not there; else Node.js's. */
function notFound(error, module) {
  const own = error.message.startsWith(`Cannot find module './${module}'`);
  return own ? `Error: Cannot find module '${path.basename(module)}'\nRequire stack:\n- ${import.meta.filename ?? "/var/runtime/index.mjs"}` : String(error);
}

// --- Streaming ------------------------------------------------------------------------------------

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");
const PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response";

globalThis.awslambda = {
  /** Marks a handler `(event, responseStream, context)`. */
  streamifyResponse(handler, options) {
    handler[STREAMING] = "response";
    if (typeof options?.highWaterMark === "number") handler[HIGH_WATER_MARK] = options.highWaterMark;
    return handler;
  },
  HttpResponseStream: {
    /** Puts status and headers of an HTTP response before its body. */
    from(stream, prelude) {
      stream.setContentType(PRELUDE_TYPE);
      stream._onBeforeFirstWrite = (write) => {
        write(JSON.stringify(prelude));
        write(Buffer.alloc(8));
      };
      return stream;
    },
  },
};

/** Why an answer is answered before its end. */
const EARLY_ANSWERS = {
  202: "The client left before the answer's end",
  413: "The answer is longer than a streamed one may be",
};

/** How fast a handler goes on that writes what nobody takes. */
const DRAIN_MS = 10;

/** The body of the answer, sent as it is written. */
class ResponseStream extends Writable {
  constructor(id, highWaterMark) {
    super({ highWaterMark });
    this.contentType = "application/octet-stream";
    this.id = id;
    this.answered = new Promise((resolve) => Object.assign(this, { resolve }));
    // A handler may listen for it; one that does not goes on, and what it writes is lost.
    this.on("error", () => {});
  }

  setContentType(type) {
    this.contentType = type;
  }

  begin() {
    if (this.sent) return this.sent;
    const headers = {
      "Content-Type": this.contentType,
      "Lambda-Runtime-Function-Response-Mode": "streaming",
      Trailer: "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
      "Transfer-Encoding": "chunked",
    };
    const target = { agent, host: HOST, port: PORT, method: "POST", path: `${BASE}/invocation/${this.id}/response`, headers };
    this.sent = request(target, (answer) => {
      // Before the end: nobody takes the rest.
      if (!this.sent.writableEnded) return this.leave(new Error(EARLY_ANSWERS[answer.statusCode] ?? "Nobody takes the answer"));
      answer.resume().on("end", this.resolve);
    });
    this.sent.on("error", (error) => this.leave(error));
    this._onBeforeFirstWrite?.((bytes) => this.sent.write(bytes));
    return this.sent;
  }

  _write(chunk, encoding, done) {
    this.begin().write(typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk, (error) => done(error));
  }

  _final(done) {
    this.begin().end(() => done());
  }

  write(...what) {
    const room = super.write(...what);
    // Node.js itself never says that there is room again; who only waits for that would wait for ever.
    if (this.left) setTimeout(() => this.emit("drain"), DRAIN_MS).unref();
    return room;
  }

  /** Nothing more can be sent. The event is over once the handler is. */
  leave(error) {
    this.left = true;
    this.destroy(error);
    this.sent.destroy();
    this.resolve();
  }

  /** Ends the answer with an error, which comes behind what was sent already. */
  fail(error) {
    const sent = this.begin();
    sent.addTrailers({
      "Lambda-Runtime-Function-Error-Type": headerText(typeOf(error)),
      "Lambda-Runtime-Function-Error-Body": Buffer.from(JSON.stringify(wire(error))).toString("base64"),
    });
    sent.end();
  }
}

/** What a handler may write as a body. */
Writable.prototype.setContentType ??= function () {};

// --- Events ---------------------------------------------------------------------------------------

function json(text) {
  return text ? JSON.parse(text) : undefined;
}

/** The context of an event, without the ways to end it. */
function contextOf(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: json(headers["lambda-runtime-client-context"]),
    identity: json(headers["lambda-runtime-cognito-identity"]),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

/** An event that is being handled. `end` is its end, whoever calls it first. */
class Invocation {
  constructor(headers) {
    this.id = headers["lambda-runtime-aws-request-id"];
    this.context = contextOf(headers);
    this.ended = new Promise((resolve) => {
      this.end = (error, result) => resolve({ error, result });
    });
  }

  /** For handlers that call back: waits until nothing else is left to do, unless told otherwise. */
  callback = (error, result) => {
    const failed = error !== undefined && error !== null;
    if (failed || !this.context.callbackWaitsForEmptyEventLoop) return this.end(error ?? undefined, result);
    this.whenIdle ??= () => this.end(undefined, result);
  };

  /** Nothing is left to do. */
  idle(isAsync) {
    if (this.whenIdle) return this.whenIdle();
    if (!isAsync) return this.end(undefined, null);
    const words =
      "The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#process_exit_codes";
    this.end(named("Runtime.NodeJsExit", words));
  }

  addWaysToEnd() {
    const done = (error, result) => {
      this.context.callbackWaitsForEmptyEventLoop = false;
      this.callback(error, result);
    };
    Object.assign(this.context, {
      done,
      succeed: (result) => done(null, result),
      fail: (error) => done(error ?? new Error("handled")),
    });
  }
}

function serialised(result) {
  try {
    return JSON.stringify(result === undefined ? null : result) ?? "null";
  } catch {
    throw named("Runtime.JSONStringifyError", "Unable to stringify response body");
  }
}

function run(handler, event, invocation) {
  const { context, callback } = invocation;
  try {
    const returned = handler(event, context, ...(MAJOR < 24 ? [callback] : []));
    if (typeof returned?.then === "function") {
      returned.then((result) => invocation.end(undefined, result), (error) => invocation.end(error ?? new Error(String(error))));
    } else if (MAJOR >= 24) {
      // There is no callback to wait for.
      invocation.end(undefined, returned);
    }
  } catch (error) {
    invocation.end(error ?? new Error(String(error)));
  }
}

async function respond(handler, event, invocation) {
  const { id } = invocation;
  run(handler, event, invocation);
  const { error, result } = await invocation.ended;
  let failure = error;
  if (failure === undefined) {
    let body;
    try {
      body = serialised(result);
    } catch (unserialisable) {
      failure = unserialisable;
    }
    if (body !== undefined) return call("POST", `invocation/${id}/response`, body);
  }
  log("ERROR", id, ["Invoke Error", described(failure)]);
  return postError(id, failure);
}

async function stream(handler, event, invocation) {
  const body = new ResponseStream(invocation.id, handler[HIGH_WATER_MARK]);
  try {
    const returned = handler(event, body, invocation.context);
    if (typeof returned?.then !== "function") {
      throw named("Runtime.MalformedStreamingHandler", "Streaming does not support non-async handlers.");
    }
    returned.then(() => invocation.end(), (error) => invocation.end(error ?? new Error(String(error))));
    const { error } = await invocation.ended;
    if (error !== undefined) throw error;
    body.end();
  } catch (error) {
    log("ERROR", invocation.id, ["Invoke Error", described(error)]);
    if (!body.sent) return postError(invocation.id, error);
    if (!body.destroyed) body.fail(error);
  }
  await body.answered;
}

let isAsync = true;

async function serve(handler) {
  const streaming = handler[STREAMING] === "response";
  isAsync = streaming || handler.constructor.name === "AsyncFunction" || MAJOR >= 24;
  if (MAJOR >= 24 && !streaming && handler.length >= 3) {
    throw named(
      "Runtime.CallbackHandlerDeprecated",
      "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.",
    );
  }
  return async () => {
    const { headers, text } = await call("GET", "invocation/next");
    current = new Invocation(headers);
    env._X_AMZN_TRACE_ID = headers["lambda-runtime-trace-id"] ?? "";
    if (MAJOR < 24 && !streaming) current.addWaysToEnd();
    await (streaming ? stream : respond)(handler, JSON.parse(text), current);
  };
}

/** An error that nobody caught: it is the current event's, and the end of this process. */
async function crash(label, error, status) {
  if (!current) return failInit(error);
  log("ERROR", current.id, [label, described(error)]);
  await postError(current.id, error).catch(() => {});
  process.exit(status);
}

process.on("beforeExit", () => current?.idle(isAsync));
process.on("uncaughtException", (error) => crash("Uncaught Exception", error, FAILED_INIT));
process.on("unhandledRejection", (reason) => {
  const error = Object.assign(named("Runtime.UnhandledPromiseRejection", String(reason)), { reason });
  crash("Unhandled Promise Rejection", error, UNHANDLED_REJECTION);
});

/** A jail has no list of interfaces (docs/decisions/009), but one interface. */
function patchInterfaces() {
  const asked = os.networkInterfaces;
  const lo = { address: "127.0.0.1", netmask: "255.0.0.0", family: "IPv4", mac: "00:00:00:00:00:00" };
  os.networkInterfaces = () => {
    try {
      return asked();
    } catch {
      return { lo: [{ ...lo, internal: true, cidr: "127.0.0.1/8" }] };
    }
  };
  syncBuiltinESMExports();
}

patchConsole();
patchInterfaces();
try {
  const next = await serve(await loadHandler());
  for (;;) await next();
} catch (error) {
  if (current) throw error;
  await failInit(error);
}
