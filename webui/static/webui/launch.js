/** The page of one type: its launch form, with the free slots as they are. */

import { prepareForms } from "./launch_forms.js";
import { follow } from "./live/follow.js";
import { closeMenus } from "./menus.js";

closeMenus();
prepareForms();
follow(() => prepareForms());
