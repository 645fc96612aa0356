import account from "./account.json";
import admin from "./admin.json";
import auth from "./auth.json";
import billing from "./billing.json";
import camera from "./camera.json";
import editor from "./editor.json";
import film from "./film.json";
import films from "./films.json";
import landing from "./landing.json";
import moves from "./moves.json";
import presets from "./presets.json";
import prompt from "./prompt.json";
import queue from "./queue.json";
import share from "./share.json";
import shell from "./shell.json";
import team from "./team.json";
import uploads from "./uploads.json";
import webhooks from "./webhooks.json";

/** One file for each feature. A key begins with its feature's name. */
export default {
  ...account,
  ...admin,
  ...auth,
  ...billing,
  ...camera,
  ...editor,
  ...film,
  ...films,
  ...landing,
  ...moves,
  ...presets,
  ...prompt,
  ...queue,
  ...share,
  ...shell,
  ...team,
  ...uploads,
  ...webhooks,
};
