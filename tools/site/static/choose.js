// The box above a page answers while one types. Its answers are chosen as in any combobox: arrow keys go through them
// while the cursor stays in the box, Enter opens the chosen one (or, without one, the page of all answers).
document.addEventListener("DOMContentLoaded", () => {
  const dialog = document.getElementById("pst-search-dialog");
  const box = dialog && dialog.querySelector("input[name=q]");
  if (!box) return;
  const answers = () => [...dialog.querySelectorAll("ul.search > li > a")];
  const chosen = () => dialog.querySelector("ul.search > li > a[aria-selected=true]");

  const choose = answer => {
    const before = chosen();
    if (before) before.setAttribute("aria-selected", "false");
    const opens = answer ? "open" : "all answers";
    if (onEnter.textContent !== opens) onEnter.textContent = opens; // the observer below hears of each change
    if (!answer) return box.removeAttribute("aria-activedescendant");
    answer.setAttribute("aria-selected", "true");
    box.setAttribute("aria-activedescendant", answer.id);
    answer.parentElement.scrollIntoView({ block: "nearest" });
  };

  // Answers come one by one, and their summaries after them.
  let count = 0;
  const describe = () => {
    const list = dialog.querySelector("ul.search");
    box.setAttribute("aria-expanded", String(answers().length > 0));
    if (!list) return choose(null);
    Object.assign(list, { id: "search-answers", role: "listbox", ariaLabel: "Answers" });
    for (const answer of answers()) {
      if (!answer.id) {
        answer.id = `answer-${(count += 1)}`;
        answer.setAttribute("role", "option");
        answer.setAttribute("aria-selected", "false");
        answer.parentElement.setAttribute("role", "none");
      }
      const told = answer.parentElement.querySelector("p.told:not([id])");
      if (told) {
        told.id = `${answer.id}-told`;
        answer.setAttribute("aria-describedby", told.id);
      }
    }
    if (!chosen()) box.removeAttribute("aria-activedescendant"); // those of another question
    const found = dialog.querySelector("#search-results > p:not([role])");
    if (found) found.setAttribute("role", "status");
  };

  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", "search-answers");
  const keys = Object.assign(document.createElement("p"), { className: "search-keys", id: "search-keys" });
  keys.innerHTML = "<kbd>↑</kbd> <kbd>↓</kbd> choose <kbd>Enter</kbd> <span>all answers</span> <kbd>Esc</kbd> close";
  const onEnter = keys.querySelector("span");
  keys.setAttribute("aria-hidden", "true"); // screen readers tell how to use a combobox
  dialog.appendChild(keys);
  new MutationObserver(describe).observe(dialog, { childList: true, subtree: true });
  describe();

  dialog.addEventListener("keydown", event => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = answers();
    const at = all.indexOf(chosen());
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && all.length) {
      event.preventDefault();
      box.focus();
      const next = at + (event.key === "ArrowDown" ? 1 : -1); // before the first one and behind the last is the box
      choose(all[at < 0 && event.key === "ArrowUp" ? all.length - 1 : next] || null);
    } else if (event.key === "Enter" && event.target === box && at >= 0) {
      event.preventDefault();
      dialog.close();
      all[at].click();
    }
  });
  dialog.addEventListener("click", event => {
    const item = event.target.closest("ul.search > li");
    if (item && !event.target.closest("a")) item.querySelector("a").click(); // its summary leads there, too
  });
  dialog.addEventListener("focusin", event => choose(event.target.closest("ul.search > li > a") || (event.target === box ? chosen() : null)));
  dialog.addEventListener("pointermove", event => {
    const item = event.target.closest("ul.search > li");
    if (item && event.pointerType === "mouse") choose(item.querySelector("a"));
  });
});
