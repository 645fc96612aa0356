import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { TextProvider } from "@/features/text/text";
import "./globals.css";

export const metadata: Metadata = {
  title: { default: "Kinora: say the scene, choose the move", template: "%s · Kinora" },
  description: "Kinora turns a sentence or a picture, and a camera move, into a film.",
  icons: { icon: "/icon.svg" },
};

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#f5f2ea" },
    { media: "(prefers-color-scheme: dark)", color: "#0d0e10" },
  ],
};

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" suppressHydrationWarning>
      <head>
        <script src="/theme.js" />
      </head>
      <body>
        <TextProvider>{children}</TextProvider>
      </body>
    </html>
  );
}
