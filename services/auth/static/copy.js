// Copy buttons. Without this file the text is still there, and one click selects all of it.
const said = document.querySelector("[data-copied]");

for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
      if (said) said.textContent = "The key is on your clipboard.";
    } catch {
      getSelection().selectAllChildren(source);
      if (said) said.textContent = "Selected: copy it with your keyboard.";
    }
  });
}
