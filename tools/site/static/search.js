// Ranks what the search finds: pages whose title, other names or summary are asked for come before those that only hold
// the words. `sitePages` (pages.js) has a row for each page: its name, title, summary and other names.
if (typeof Search !== "undefined") {
  const split = text =>
    text
      .toLowerCase()
      .split(/[^\p{Letter}\p{Number}]+/u)
      .filter(word => word && word !== "eagerflow" && word !== "keras" && word !== "ef");
  const words = text => split(text.replace(/([a-z0-9])([A-Z])/g, "$1 $2")); // BatchNormalization has two
  const all = text => [...new Set([...split(text), ...words(text)])];
  const joined = text => split(text).join("");
  const last = name => name.slice(name.lastIndexOf(".") + 1);
  // A word fits one that it begins, or nearly: "saving" and "save".
  const fits = (asked, word) =>
    word.startsWith(asked) || (asked.startsWith(word) && word.length > 3 && asked.length - word.length < 4);

  // From 0, where nothing fits, to 100, where it is the very name.
  const score = (query, asked, [page, title, summary, others]) => {
    const names = [title, ...others];
    const whole = joined(query);
    const most = page.startsWith("reference/") && page.endsWith("/index") ? 70 : 100; // lists of names
    if (names.some(name => name.toLowerCase() === query.toLowerCase())) return most;
    if (names.some(name => joined(name) === whole)) return Math.min(95, most);
    if (names.some(name => last(name) === query)) return 92;
    if (names.some(name => joined(last(name)) === whole)) return 90;
    if (joined(page.slice(page.lastIndexOf("/") + 1)) === whole) return 88;
    const subject = title.split(":")[0];
    const inTitle = all(title);
    const hit = asked.filter(word => inTitle.some(other => fits(word, other))).length;
    if (hit === asked.length) return Math.min(most, 80 - 3 * Math.max(0, words(subject).length - hit));
    if (whole.length > 4 && joined(title).includes(whole)) return 72 - Math.min(20, joined(title).length - whole.length);
    const known = [...inTitle, ...others.flatMap(all)];
    if (asked.every(word => known.some(other => fits(word, other)))) return 55;
    const said = all(summary);
    return asked.every(word => [...known, ...said].some(other => fits(word, other))) ? 40 + 10 * hit : 0;
  };

  const inFullText = Search._performSearch;
  Search._performSearch = (query, ...further) => {
    const asked = split(query);
    const text = inFullText(query, ...further).reverse();
    const place = new Map();
    text.forEach((found, at) => place.has(found[0]) || place.set(found[0], at));
    const ranked = window.sitePages
      .map(row => [score(query, asked, row), row])
      .filter(([points]) => points > 0)
      .sort(([a, [p]], [b, [q]]) => b - a || (place.get(p) ?? 1e6) - (place.get(q) ?? 1e6))
      .slice(0, 50);
    const first = ranked.map(([points, [page, title]]) => [page, title, "", null, points, `${page}.md`, "title"]);
    const there = new Set(first.map(([page]) => page));
    const isNew = ([page, , anchor, , , , kind]) => !there.has(page) || (anchor && kind !== "object");
    return [...first, ...text.filter(isNew)].reverse();
  };

  // Each answer gets the summary of its page.
  document.addEventListener("DOMContentLoaded", () => {
    const summaries = new Map(window.sitePages.map(([page, , summary]) => [`${page}.html`, summary]));
    const results = document.getElementById("search-results");
    if (!results) return;
    new MutationObserver(() => {
      for (const item of results.querySelectorAll("ul.search > li:not([data-told])")) {
        item.dataset.told = "";
        const summary = summaries.get(item.querySelector("a").getAttribute("href").split(/[?#]/)[0]);
        if (summary) item.appendChild(Object.assign(document.createElement("p"), { textContent: summary, className: "told" }));
      }
    }).observe(results, { childList: true, subtree: true });
  });
}
