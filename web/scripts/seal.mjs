// After `next build`: moves inline scripts into files, so that the studio's Content-Security-Policy needs neither
// 'unsafe-inline' nor hashes. A file's name is its SHA-256. Fails if a page contains a style or an event attribute.
// Adds the vocabulary, which the editor reads, and asks for the two text fonts early: text moves when a font comes late.
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const out = new URL("../out/", import.meta.url).pathname;
const folder = "/_next/static/inline/";
await mkdir(join(out, folder), { recursive: true });

const INLINE = /<script(?![^>]*\ssrc=)([^>]*)>([\s\S]*?)<\/script>/g;
const FORBIDDEN = [
  [/<[a-z][^>]*\sstyle=/i, "a style attribute"],
  [/<style[\s>]/i, "a style element"],
  [/<[a-z][^>]*\son[a-z]+=/i, "an event attribute"],
];

const media = await readdir(join(out, "_next/static/media"));
const fonts = media.filter((name) => /^(instrument-sans|bricolage-grotesque)-latin-wght-normal/.test(name));
if (fonts.length !== 2) throw new Error(`two fonts were expected, and not ${fonts}`);
const preloads = fonts.map((name) => `<link rel="preload" as="font" type="font/woff2" crossorigin="" href="/_next/static/media/${name}"/>`).join("");

async function seal(file) {
  let html = (await readFile(file, "utf8")).replace("</title>", `</title>${preloads}`);
  const writes = [];
  html = html.replaceAll(INLINE, (whole, attributes, code) => {
    if (/type="(application\/(ld\+)?json)"/.test(attributes)) return whole; // data, which no browser runs
    const name = `${createHash("sha256").update(code).digest("hex").slice(0, 32)}.js`;
    writes.push(writeFile(join(out, folder, name), code));
    return `<script${attributes} src="${folder}${name}"></script>`;
  });
  await Promise.all([...writes, writeFile(file, html)]);
  const markup = html.replaceAll(/<script[\s\S]*?<\/script>/g, "");
  const found = FORBIDDEN.filter(([pattern]) => pattern.test(markup)).map(([pattern, what]) => `${what}: ${pattern.exec(markup)[0].slice(-120)}`);
  if (found.length) throw new Error(`${file} contains ${found.join(", ")}`);
}

const pages = (await readdir(out, { recursive: true })).filter((name) => name.endsWith(".html"));
await Promise.all(pages.map((name) => seal(join(out, name))));
await copyFile(new URL("../../docs/vocabulary.json", import.meta.url), join(out, "vocabulary.json"));
console.log(`Sealed ${pages.length} pages`);
