// The dashboard: starts the router on the shell that the server sent.
import { waiting } from "./claims.js";
import { watchConnection } from "./parts/banner.js";
import { startRouter } from "./router.js";
import { account } from "./views/account.js";
import { activity } from "./views/activity.js";
import { claim } from "./views/claim.js";
import { connect } from "./views/connect.js";
import { deliveries } from "./views/deliveries.js";
import { domains } from "./views/domains.js";
import { inbox } from "./views/inbox.js";
import { keys } from "./views/keys.js";
import { settings } from "./views/settings.js";
import { site } from "./views/site.js";
import { sites } from "./views/sites.js";
import { submission } from "./views/submission.js";
import { versions } from "./views/versions.js";
import { webhooks } from "./views/webhooks.js";
import { refreshTimes } from "./words.js";

/** Milliseconds between two corrections of "3 minutes ago". */
const MINUTE_HAND = 20_000;

const ROUTES = [
  [/^\/dashboard$/, keys],
  [/^\/dashboard\/connect$/, connect],
  [/^\/dashboard\/sites$/, sites],
  [/^\/dashboard\/sites\/(dep_\w+)$/, site],
  [/^\/dashboard\/sites\/(dep_\w+)\/inbox$/, inbox],
  [/^\/dashboard\/sites\/(dep_\w+)\/inbox\/(sub_\w+)$/, submission],
  [/^\/dashboard\/sites\/(dep_\w+)\/webhooks$/, webhooks],
  [/^\/dashboard\/sites\/(dep_\w+)\/webhooks\/(wh_\w+)$/, deliveries],
  [/^\/dashboard\/sites\/(dep_\w+)\/versions$/, versions],
  [/^\/dashboard\/sites\/(dep_\w+)\/settings$/, settings],
  [/^\/dashboard\/sites\/(dep_\w+)\/domains$/, domains],
  [/^\/dashboard\/account$/, account],
  [/^\/dashboard\/account\/activity$/, activity],
  [/^\/claim\/([a-z0-9-]+)$/, claim],
];

const root = document.getElementById("app");
const { apiUrl, sitesUrl, email, session } = root.dataset;

// a login ends at the dashboard's first page; whoever came to claim a site goes on with that
const claimed = location.pathname === "/dashboard" && waiting();
if (claimed) history.replaceState(null, "", `/claim/${claimed}`);

watchConnection(document.getElementById("banner"));
startRouter(ROUTES, root, { apiUrl, sitesUrl, email, session });
setInterval(refreshTimes, MINUTE_HAND);
