// After `next build`: gives the exported landing page a script of its own in place of Next's. Next's router weighs more
// than the rest of the page, and the page needs only React. Within the studio, `/` is a page like the others.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { build } from "vite";

const here = (path) => new URL(path, import.meta.url).pathname;
const folder = "_next/static/landing";

await build({
  configFile: false,
  root: here("../"),
  base: `/${folder}/`,
  publicDir: false,
  logLevel: "warn",
  resolve: { alias: { "@": here("../src"), "next/link": here("../src/ui/plain-link.tsx") } },
  build: {
    outDir: here(`../out/${folder}`),
    emptyOutDir: true,
    modulePreload: false,
    rolldownOptions: {
      input: here("../src/features/landing/island.tsx"),
      output: { entryFileNames: "landing-[hash].js", chunkFileNames: "[name]-[hash].js" },
      onwarn: (warning, warn) => warning.code === "MODULE_LEVEL_DIRECTIVE" || warn(warning), // "use client"
    },
  },
});

const entry = (await readdir(here(`../out/${folder}`))).find((name) => name.startsWith("landing-"));
const page = here("../out/index.html");
const html = await readFile(page, "utf8");
const without = html
  .replaceAll(/<script(?![^>]*src="\/theme\.js")[^>]*>[\s\S]*?<\/script>/g, "")
  .replaceAll(/<link[^>]*rel="preload"[^>]*as="script"[^>]*\/?>/g, "");
const script = `<script type="module" src="/${folder}/${entry}"></script>`;
await writeFile(page, without.replace("</head>", `${script}</head>`));
