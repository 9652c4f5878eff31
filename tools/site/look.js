// What a reader would find wrong with the page that is shown: a list of sentences.
(() => {
  const wrong = [];

  // Nothing is wider than the window, but for what scrolls by itself.
  const wide = document.documentElement.scrollWidth - window.innerWidth;
  if (wide > 0) {
    const sticksOut = e =>
      e.getBoundingClientRect().right > window.innerWidth + 1 && !e.closest("pre, table, .picture, .scrolling, svg");
    const culprit = [...document.querySelectorAll("main *")].find(sticksOut);
    wrong.push(`${wide} px too wide: ${culprit ? `${culprit.tagName} ${culprit.className}` : "?"}`);
  }

  // Text differs from its ground: a contrast below 3 is too little even for large text (WCAG).
  const numbers = text => (text.match(/[\d.]+/g) || []).map(Number);
  const linear = v => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const ground = e => {
    for (let at = e; at; at = at.parentElement) {
      const color = numbers(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0.5) return color;
    }
    return [255, 255, 255];
  };
  const texts = "main p, main li, main td, main th, main dd, main code, main pre span, main h1, main a, nav a";
  for (const e of document.querySelectorAll(texts)) {
    const text = e.textContent.trim();
    if (!text || !e.getClientRects().length || e.closest("svg, .shown")) continue;
    const [a, b] = [light(numbers(getComputedStyle(e).color)), light(ground(e))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 3) {
      wrong.push(`hard to read (contrast ${contrast.toFixed(1)}): ${e.tagName} ${JSON.stringify(text.slice(0, 40))}`);
      break;
    }
  }

  for (const image of document.images) {
    if (image.complete && !image.naturalWidth) wrong.push(`no picture: ${image.src.slice(0, 100)}`);
  }
  return wrong;
})()
