import { hydrateRoot } from "react-dom/client";
import { TextProvider } from "@/features/text/text";
import { Landing } from "./landing";

/** The script of the exported landing page: React without Next's router, which the page does not need. */
const container = document.getElementById("landing");
if (container) {
  hydrateRoot(
    container,
    <TextProvider>
      <Landing />
    </TextProvider>,
  );
}
