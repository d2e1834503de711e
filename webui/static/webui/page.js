/** Pages that have nothing of their own to do. */

import { closeMenus } from "./menus.js";

closeMenus();
