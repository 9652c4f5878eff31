// What a query asks of the texts of what is searched: words, words in one field, or a regular expression.

export const CODE_FIELDS = ["file", "code"]; // many things are on one line, and nearly all in one file: the last to be told
export const FIELDS = ["op", "layer", "class", "name", "phase", "shape", "dtype", "role", "setting", "error", ...CODE_FIELDS];

// The words of a query that may be names.
export function wordsOf(query) {
  const words = query.startsWith("/") ? [] : query.toLowerCase().split(/\s+/),
    isOther = (word) => FIELDS.includes(word.split(":")[0]) && word.includes(":");
  return words.map((word) => word.replace(/^(name|op|layer|class):/, "")).filter((word) => word && !isOther(word));
}

// The regular expression that a query is; null for words.
export function patternOf(query) {
  const [, source, flags] = /^\/(.+)\/([a-z]*)$/.exec(query) || [];
  return source ? new RegExp(source, flags.replace(/[gy]/g, "") || "i") : null;
}

// For each word of a query, a test of the fields: it tells in which one the word is, if it is in any.
export function testsOf(query) {
  const pattern = patternOf(query);
  if (pattern) return [(fields) => FIELDS.find((name) => pattern.test(fields[name] ?? ""))];
  return query
    .toLowerCase()
    .split(/\s+/)
    .map((word) => {
      const [, field, rest] = /^([a-z]+):(.+)$/.exec(word) || [];
      const wanted = (FIELDS.includes(field) ? rest : word)
        .replace(/(\d)[x*](?=\d)/g, "$1×")
        .replace(/(\d),(?=\d)/g, "$1×")
        .replace(/^[[(](.*)[\])]$/, "$1");
      const shape = /^\d+(×\d+)*$/.test(wanted);
      const has = (name, value) =>
        shape && name === "shape"
          ? ` ${value} `.includes(` ${wanted} `) || (wanted.includes("×") && value.includes(wanted))
          : value.toLowerCase().includes(wanted);
      if (field === "code") return (fields) => CODE_FIELDS.find((name) => has(name, fields[name] || ""));
      if (FIELDS.includes(field)) return (fields) => has(field, fields[field] || "") && field;
      return (fields) => FIELDS.find((name) => fields[name] && has(name, fields[name]));
    });
}
