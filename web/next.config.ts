import type { NextConfig } from "next";

/** A static export: CloudFront serves the files, and `/api`, `/media` and `/ws` are beside them. */
const config: NextConfig = {
  output: "export",
  reactStrictMode: true,
  poweredByHeader: false,
  staticPageGenerationTimeout: 600, // seconds; a busy machine needs more than the default 60
  images: { unoptimized: true },
  typescript: { ignoreBuildErrors: true }, // `npm run check` is the type check
};

export default config;
