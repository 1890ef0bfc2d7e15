"use strict";
// Runs in jsii's Node beside the framework; `kernel.py` loads it and says what may be called.
const fs = require("fs");
const Module = require("module");

// The provider's package has an index that loads a resource when it is named, and uses another one that loads all.
const INDEX = /[\\/]@cdkt[fn][\\/]provider-aws[\\/]([^\\/]+[\\/][^\\/]+[\\/])?lib[\\/]index\.js$/;
const resolve = Module._resolveFilename;
Module._resolveFilename = function (...request) {
  const file = resolve.apply(this, request);
  if (!INDEX.test(file)) return file;
  const lazy = file.replace(/index\.js$/, "lazy-index.js");
  return fs.existsSync(lazy) ? lazy : file;
};

// A resource makes a token for each of its blocks, and each token keeps where it was made: here, always.
function withoutTraces(action) {
  const { captureStackTrace } = Error;
  Error.captureStackTrace = () => {};
  try {
    return action();
  } finally {
    Error.captureStackTrace = captureStackTrace;
  }
}

exports.Resources = class Resources {
  static make(scope, type, id, config, logicalId, overrides) {
    const [assembly, ...names] = type.split(".");
    const kind = names.reduce((found, name) => found[name], require(assembly));
    const made = withoutTraces(() => new kind(scope, id, config));
    made.overrideLogicalId(logicalId);
    for (const [path, value] of overrides) made.addOverride(path, value);
    return made;
  }
};
