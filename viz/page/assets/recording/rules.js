// What Python decides for all pages: colours by theme, and the words and names that pictures have, too. See `rules` in
// viz/page/document.py.

export const rules = JSON.parse(document.getElementById("rules").textContent);
