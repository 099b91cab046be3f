// The dashboard: starts the router on the shell that the server sent.
import { watchConnection } from "./parts/banner.js";
import { startRouter } from "./router.js";
import { account } from "./views/account.js";
import { activity } from "./views/activity.js";
import { connect } from "./views/connect.js";
import { keys } from "./views/keys.js";
import { site } from "./views/site.js";
import { sites } from "./views/sites.js";
import { refreshTimes } from "./words.js";

/** Milliseconds between two corrections of "3 minutes ago". */
const MINUTE_HAND = 20_000;

const ROUTES = [
  [/^\/dashboard$/, keys],
  [/^\/dashboard\/connect$/, connect],
  [/^\/dashboard\/sites$/, sites],
  [/^\/dashboard\/sites\/(dep_\w+)$/, site],
  [/^\/dashboard\/account$/, account],
  [/^\/dashboard\/account\/activity$/, activity],
];

const root = document.getElementById("app");
const { apiUrl, email, session } = root.dataset;

watchConnection(document.getElementById("banner"));
startRouter(ROUTES, root, { apiUrl, email, session });
setInterval(refreshTimes, MINUTE_HAND);
