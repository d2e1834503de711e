/**
 * Keeps the page within what a touch screen's keyboard leaves to be seen.
 *
 * Where `interactive-widget=resizes-content` of the page's viewport is known, the browser does it. Safari on iOS lays
 * its keyboard over the page, and tells only `visualViewport` what is left; it may also push the page up behind the
 * keyboard's edge. viewer.css takes both numbers; where nothing is covered they change nothing.
 */

const view = window.visualViewport;
const style = document.documentElement.style;

function fit() {
  // Pinching shows less of the page too, and is no reason to make it smaller: times the scale, it is the whole again.
  const zoomed = view.scale > 1;
  style.setProperty("--visible-height", `${Math.ceil(view.height * view.scale)}px`);
  style.setProperty("--visible-top", zoomed ? "0px" : `${view.offsetTop}px`);
}

export function stayVisible() {
  view?.addEventListener("resize", fit);
  view?.addEventListener("scroll", fit);
}
