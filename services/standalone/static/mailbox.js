// Show new mails as they arrive: look at the newest one's id, and load the page again when it is another.
const list = document.querySelector("[data-newest]");

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch("/mailbox/api/v1/messages?limit=1", { cache: "no-store" });
    if (!answer.ok) return;
    const { total, messages } = await answer.json();
    const newest = `${messages[0]?.ID ?? ""} ${total}`;
    if (newest !== list.dataset.newest) location.reload();
  } catch {
    // the system is being restarted: the next look finds it again
  }
}

if (list) {
  setInterval(look, 1500);
  document.addEventListener("visibilitychange", look);
}
