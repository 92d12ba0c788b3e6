// The way to the page of signing in, and back: a token was changed, or a cookie is gone.

import { current, write } from "./url";

/** In the query of an address: the page was reached by way of signing in, which found the cookie to be good (login.html). */
const tried = "?in";

/**
 * The page of signing in, for a page at some address, with the state that it leads back
 * to. Whom that page has just sent here as signed in, it must not send here again: the
 * two would go round and round where something before the sensor refuses only questions.
 */
export function door(pathname: string, search: string, state: string): string {
  return pathname.replace(/\/*$/, "/") + "login" + (search === tried ? tried : "") + (state && "#" + state);
}

/** Goes there. The state is that of now, which the address need not have yet. */
export function signIn(): void {
  location.replace(door(location.pathname, location.search, write(current())));
}
