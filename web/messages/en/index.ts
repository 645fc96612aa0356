import auth from "./auth.json";
import camera from "./camera.json";
import editor from "./editor.json";
import film from "./film.json";
import landing from "./landing.json";
import presets from "./presets.json";
import prompt from "./prompt.json";
import shell from "./shell.json";
import uploads from "./uploads.json";

/** One file for each feature. A key begins with its feature's name. */
export default {
  ...auth,
  ...camera,
  ...editor,
  ...film,
  ...landing,
  ...presets,
  ...prompt,
  ...shell,
  ...uploads,
};
