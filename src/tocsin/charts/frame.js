// The switches work without this script; it only remembers them in the address, as #zh/dark/section.
(() => {
  "use strict";
  const one = (id) => document.getElementById(id);
  const [en, zh, flip] = [one("lang-en"), one("lang-zh"), one("flip")];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let place = "", chosen = {};

  const read = () => {
    place = "";
    for (const word of location.hash.slice(1).split("/")) {
      if (word === "en" || word === "zh") chosen.lang = word;
      else if (word === "light" || word === "dark") chosen.shade = word;
      else place = word;
    }
  };
  const show = () => {
    const lang = chosen.lang || (navigator.language.startsWith("zh") ? "zh" : "en");
    (lang === "zh" ? zh : en).checked = true;
    if (chosen.shade) flip.checked = (chosen.shade === "dark") !== dark.matches;
    document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
    document.title = document.body.dataset[lang === "zh" ? "titleZh" : "titleEn"];
  };
  const go = () => {
    const target = place && one(place);
    if (!target) return;
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    target.scrollIntoView();
  };
  const remember = () => {
    const hash = "#" + [chosen.lang, chosen.shade, place].filter(Boolean).join("/");
    history.replaceState(null, "", hash);
    show();
  };

  document.querySelector(".switch").addEventListener("change", () => {
    chosen.lang = zh.checked ? "zh" : "en";
    remember();
  });
  flip.addEventListener("change", () => {
    chosen.shade = flip.checked !== dark.matches ? "dark" : "light";
    remember();
  });
  dark.addEventListener("change", show);
  addEventListener("hashchange", () => { read(); show(); go(); });
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    place = link.getAttribute("href").slice(1);
    remember();
    go();
    const target = one(place);
    if (target && target.hasAttribute("tabindex")) target.focus({ preventScroll: true });
  });
  read();
  show();
  go();
})();
