// The console's own script: pages are whole without it. With it they stay true while they are open.
"use strict";

(() => {
  const EVERYTHING = ["deliveries", "delivery", "connections", "table"];
  const tell = (names) => names.forEach((name) => htmx.trigger(document.body, name));

  // What the gateway tells of is asked for again by the parts of the page that show it. A page that nobody looks at
  // holds no connection; when somebody comes back to it, everything is asked for.
  const live = () => {
    let source = null;
    // The gateway has an answer and it is no stream: the session is over, or it cannot be asked now.
    const refused = async () => {
      const answer = await fetch(document.body.dataset.live, { headers: { Accept: "text/event-stream" } });
      answer.body?.cancel();
      if (answer.status === 401) location.assign("/console/login");
      else setTimeout(listen, 5000);
    };
    const listen = () => {
      let lost = false;
      source = new EventSource(document.body.dataset.live);
      source.onmessage = (event) => tell(event.data.split(" "));
      source.onerror = () => {
        lost = true;
        if (source.readyState === EventSource.CLOSED) refused();
      };
      source.onopen = () => {
        if (lost) tell(EVERYTHING);
        lost = false;
      };
    };
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) {
        source.close();
      } else {
        listen();
        tell(EVERYTHING);
      }
    });
    listen();
  };

  // Ages as the gateway writes them: "now", "4 min", "3 h", "12 d".
  const age = (then) => {
    const minutes = Math.floor(Math.abs(Date.now() - then) / 60000);
    if (minutes < 1) return "now";
    if (minutes < 60) return `${minutes} min`;
    return minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
  };
  const grow = () => document.querySelectorAll("time[data-age]").forEach((time) => {
    time.textContent = age(Date.parse(time.dateTime));
  });

  // A page that renewed itself says so where it has something to say, once.
  const announce = () => {
    const news = document.querySelector("[data-news]")?.dataset.news ?? "";
    const status = document.getElementById("news");
    if (status && status.textContent !== news) status.textContent = news;
  };

  document.addEventListener("DOMContentLoaded", () => {
    if (document.body.dataset.live) live();
    if (document.querySelector("[data-done]")) history.replaceState(history.state, "", location.pathname);
    document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
    setInterval(grow, 30000);
    document.addEventListener("htmx:after:swap", announce);
  });
})();
