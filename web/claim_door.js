// The claim page for whoever is not logged in: keeps the link's token in this tab until somebody is.
import { take, waitForLogin } from "./claims.js";

const page = document.getElementById("claim");

if (take(page.dataset.slug)) waitForLogin();
else {
  page.hidden = true;
  document.getElementById("incomplete").hidden = false;
}
