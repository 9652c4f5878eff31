// The list of versions: from versions.js beside this file, so that pages opened from a folder have it too.
document.addEventListener("DOMContentLoaded", () => {
  for (const menu of document.querySelectorAll(".site-versions .dropdown-menu")) {
    for (const version of window.siteVersions || []) {
      const link = document.createElement("a");
      link.className = "dropdown-item";
      link.textContent = version;
      link.href = version === menu.dataset.version ? `${menu.dataset.root}index.html` : `${menu.dataset.root}../${version}/index.html`;
      if (version === menu.dataset.version) link.setAttribute("aria-current", "true");
      menu.appendChild(document.createElement("li")).appendChild(link);
    }
  }
});

// A long list of names is scrolled to the one whose page this is.
document.addEventListener("DOMContentLoaded", () => {
  const current = document.querySelector(".reference-nav .current");
  const list = current && current.closest(".bd-sidebar-primary");
  if (list) list.scrollTop += current.getBoundingClientRect().top - list.getBoundingClientRect().top - list.clientHeight / 3;
});

// What is wider than the page, and goes on to the right of what is shown.
document.addEventListener("DOMContentLoaded", () => {
  for (const part of document.querySelectorAll(".picture, .block-output .shown, .block-output pre")) {
    const mark = () => part.classList.toggle("goes-on", part.scrollLeft + part.clientWidth < part.scrollWidth - 4);
    part.addEventListener("scroll", mark, { passive: true });
    new ResizeObserver(mark).observe(part);
  }
});
