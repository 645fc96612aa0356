import type { NextConfig } from "next";

/** A static export: CloudFront serves the files, and `/api`, `/media` and `/ws` are beside them. */
const config: NextConfig = {
  output: "export",
  reactStrictMode: true,
  poweredByHeader: false,
  images: { unoptimized: true },
  experimental: { inlineCss: false },
  env: { NEXT_PUBLIC_LAPTOP: "" },
};

export default config;
