// Colours for query files: JSON with comments, and the SQL inside its strings.

import * as monaco from "monaco-editor";

export const SMQ = "smq";

export function register(): void {
  monaco.languages.register({ id: SMQ, extensions: [".smq.json"] });
  monaco.languages.setLanguageConfiguration(SMQ, {
    comments: { lineComment: "//", blockComment: ["/*", "*/"] },
    brackets: [
      ["{", "}"],
      ["[", "]"],
    ],
    autoClosingPairs: [
      { open: "{", close: "}" },
      { open: "[", close: "]" },
      { open: '"', close: '"', notIn: ["string"] },
    ],
    // A name is one word, in any script.
    wordPattern: /[\p{L}\p{N}_]+/u,
  });
  monaco.languages.setMonarchTokensProvider(SMQ, {
    unicode: true,
    keywords: /\b(?:AND|AS|ASC|BETWEEN|BY|CASE|DESC|ELSE|END|FROM|IN|IS|JOIN|LEFT|LIKE|NOT|NULL|ON|OR|ORDER|OVER|PARTITION|ROWS|THEN|WHEN)\b/i,
    tokenizer: {
      root: [
        [/\/\/.*$/, "comment"],
        [/\/\*/, "comment", "@comment"],
        [/"(?:[^"\\]|\\.)*"(?=\s*:)/, "type"],
        [/"/, "string", "@string"],
        [/-?\d+(?:\.\d+)?/, "number"],
        [/\b(?:true|false|null)\b/, "keyword"],
        [/[{}[\],:]/, "delimiter"],
      ],
      comment: [
        [/\*\//, "comment", "@pop"],
        [/./, "comment"],
      ],
      string: [
        [/\\./, "string.escape"],
        [/"/, "string", "@pop"],
        [/@keywords/, "keyword"],
        [/'(?:[^'"]|'')*'/, "string.sql"],
        [/\b\d+(?:\.\d+)?\b/, "number"],
        [/[\p{L}\p{N}_]+/u, "identifier"],
        [/[^\\"]/, "string"],
      ],
    },
  } as monaco.languages.IMonarchLanguage);
}
