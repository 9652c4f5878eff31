// Pictures that a page shows smaller than they are, or with parts closed, open in a window of their own, with the page's
// name above them: as a whole where it can be made out so, to be scrolled, dragged and zoomed.
const LEAST = 0.3; // of their size: in smaller ones only the shape can be made out
const NARROW = 600; // a phone: there they open so large that they can be read,
const READABLE = 0.5; // at least as large as this
const MARGIN = 8;
document.addEventListener("DOMContentLoaded", () => {
  const article = document.querySelector(".bd-article");
  if (!article) return;
  const dialog = document.createElement("dialog");
  dialog.className = "zoomed";
  dialog.setAttribute("aria-label", "Picture");
  dialog.innerHTML =
    '<p class="tools"><b class="name"></b><button type="button" data-by="0.8" aria-label="Smaller">−</button>' +
    '<button type="button" data-by="1.25" aria-label="Larger">+</button>' +
    '<button type="button" data-fit aria-label="Fit into the window">fit</button>' +
    '<button type="button" data-close aria-label="Close">✕</button></p><div class="place" tabindex="0"></div>';
  const place = dialog.querySelector(".place");
  const title = document.querySelector("h1")?.cloneNode(true);
  title?.querySelectorAll(".headerlink").forEach(link => link.remove());
  const name = title?.textContent.trim() ?? "";
  dialog.querySelector(".name").textContent = name;
  if (name) dialog.setAttribute("aria-label", `Picture: ${name}`);
  let natural = 0, scale = 1;

  const resize = to => {
    const before = scale;
    scale = Math.min(4, Math.max(0.1, to));
    const [x, y] = [place.scrollLeft + place.clientWidth / 2, place.scrollTop + place.clientHeight / 2];
    place.firstElementChild.style.width = `${natural * scale}px`;
    place.scrollTo((x * scale) / before - place.clientWidth / 2, (y * scale) / before - place.clientHeight / 2);
  };
  const widthOf = picture =>
    picture.naturalWidth || (picture.viewBox && picture.viewBox.baseVal.width) || picture.getBoundingClientRect().width;
  const fitting = () => {
    const { width, height } = place.firstElementChild.getBoundingClientRect();
    return Math.min(place.clientWidth / natural, (place.clientHeight * width) / (height * natural) || Infinity);
  };
  const show = (picture, kept) => {
    dialog.classList.toggle("on-white", !kept.includes("own-themes") && picture.tagName === "svg");
    if (!dialog.isConnected) article.appendChild(dialog);
    place.replaceChildren(picture);
    dialog.showModal();
    natural = widthOf(picture);
    scale = 1;
    resize(1);
    const whole = Math.min(1.5, fitting());
    if (place.clientWidth < NARROW) beginAtInput(picture, whole);
    else {
      resize(Math.max(whole, Math.min(LEAST, place.clientWidth / natural)));
      place.scrollTo(Math.max(0, (place.scrollWidth - place.clientWidth) / 2), 0);
    }
  };
  // At the input, with the legend whole beside it; where both are too far apart to be read, at the legend.
  const beginAtInput = (picture, whole) => {
    const parts = [".legend", ".node rect[stroke-dasharray]"].map(each => picture.querySelector(each)).filter(Boolean);
    const sides = shown => {
      const first = picture.getBoundingClientRect().left, found = shown.map(part => part.getBoundingClientRect());
      return [Math.min(...found.map(each => each.left)) - first, Math.max(...found.map(each => each.right)) - first];
    };
    const scaleFor = shown => (place.clientWidth - 2 * MARGIN) / (sides(shown)[1] - sides(shown)[0]);
    const shown = parts.length > 1 && scaleFor(parts) < READABLE ? parts.slice(0, 1) : parts;
    resize(Math.max(whole, Math.min(1, shown.length ? scaleFor(shown) : 1)));
    place.scrollTo(shown.length ? sides(shown)[0] - MARGIN : (place.scrollWidth - place.clientWidth) / 2, 0);
  };
  // A copy's arrowheads are those of the original, which stays on the page.
  const copyOf = picture => Object.assign(picture.cloneNode(true), { loading: "eager" });

  dialog.addEventListener("click", event => {
    const button = event.target.closest("button");
    if (event.target === dialog || (button && "close" in button.dataset)) return dialog.close();
    if (button && button.dataset.by) resize(scale * Number(button.dataset.by));
    else if (button) resize(fitting());
  });
  dialog.addEventListener("close", () => place.replaceChildren());
  dialog.addEventListener("keydown", event => {
    if (event.key === "+" || event.key === "-") resize(scale * (event.key === "+" ? 1.25 : 0.8));
  });
  place.addEventListener("wheel", event => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    resize(scale * (event.deltaY < 0 ? 1.1 : 1 / 1.1));
  }, { passive: false });
  place.addEventListener("pointermove", event => {
    if (event.pointerType === "mouse" && event.buttons === 1) place.scrollBy(-event.movementX, -event.movementY);
  });

  const offer = (after, text, picture, kept) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "zoom", textContent: text });
    button.addEventListener("click", () => show(picture(), kept));
    after.after(button);
  };
  const isSmaller = picture => widthOf(picture) > 1.1 * picture.getBoundingClientRect().width + 8;
  for (const frame of article.querySelectorAll(".picture")) {
    const whole = frame.querySelector(":scope > template");
    const picture = frame.querySelector(":scope > svg, :scope > img");
    if (whole) offer(frame, whole.dataset.label || "Show every op", () => whole.content.firstElementChild.cloneNode(true), frame.className);
    else if (picture && (isSmaller(picture) || frame.scrollWidth > frame.clientWidth + 1)) {
      offer(frame, "Enlarge", () => copyOf(picture), frame.className);
    }
  }
  const enlarge = image => {
    if (image.closest("a, .picture, .cards, dialog") || !isSmaller(image) || image.getBoundingClientRect().width < 100) return;
    offer(image, "Enlarge", () => copyOf(image), "own-themes");
  };
  for (const image of article.querySelectorAll("img")) {
    if (image.complete && image.naturalWidth) enlarge(image);
    else image.addEventListener("load", () => enlarge(image), { once: true });
  }
});
