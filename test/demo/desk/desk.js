/* Renews the sections that have changed, and shows what in them did. All else works without. */
"use strict";

const look = 700;		/* milliseconds between two looks */
const place = document.body.dataset.live;

/* Somebody is writing here, or has. */
function isInUse(section) {
	return section.contains(document.activeElement) && document.activeElement.matches("input, select")
		|| [...section.querySelectorAll("input:not([type=hidden])")].some(box => box.value !== box.defaultValue)
		|| [...section.querySelectorAll("select")].some(box =>
			box.selectedIndex !== Math.max(0, [...box.options].findIndex(option => option.defaultSelected)));
}

function sayLater(section) {
	if (section.querySelector(".later")) {
		return;
	}
	const line = document.createElement("p");
	line.className = "later";
	line.setAttribute("role", "status");
	line.textContent = "Something has changed here meanwhile. It is shown when you have finished writing.";
	section.append(line);
}

function renew(section, html) {
	const fresh = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
	for (const fold of section.querySelectorAll("details[open]")) {
		fresh.querySelector("#" + CSS.escape(fold.id))?.setAttribute("open", "");
	}
	const before = new Map([...section.querySelectorAll("[data-key]")].map(part => [part.dataset.key, part.textContent]));
	for (const part of fresh.querySelectorAll("[data-key]")) {
		const is = before.get(part.dataset.key);
		if (is === undefined || (is !== part.textContent && !part.querySelector("[data-key]"))) {
			part.classList.add("moved");
		}
	}
	section.replaceWith(fresh);
}

async function lookAgain() {
	const sections = [...document.querySelectorAll("section[data-stamp]")];
	const stamps = new URLSearchParams(sections.map(section => [section.id, section.dataset.stamp]));
	try {
		const answer = document.hidden ? null : await fetch(place + "?" + stamps, {redirect: "error"});
		if (answer?.status === 401) {
			location.reload();
			return;
		}
		const changed = answer?.ok ? await answer.json() : {};
		document.body.classList.toggle("is-live", answer === null || answer.ok);
		for (const [id, html] of Object.entries(changed)) {
			const section = document.getElementById(id);
			if (section && isInUse(section)) {
				sayLater(section);
			} else if (section) {
				renew(section, html);
			}
		}
	} catch (error) {
		document.body.classList.remove("is-live");
		/* The desk is being stopped, or the way is cut: the next look tells. */
	}
	setTimeout(lookAgain, look);
}

setTimeout(lookAgain, look);
