import account from "./account.json";
import admin from "./admin.json";
import billing from "./billing.json";
import films from "./films.json";
import moves from "./moves.json";
import queue from "./queue.json";
import share from "./share.json";
import team from "./team.json";
import webhooks from "./webhooks.json";

/** The texts of pages that most visitors never open. They are loaded with those pages: see src/features/text/more.ts. */
export default {
  ...account,
  ...admin,
  ...billing,
  ...films,
  ...moves,
  ...queue,
  ...share,
  ...team,
  ...webhooks,
};
