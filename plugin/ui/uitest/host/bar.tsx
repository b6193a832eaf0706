import { faBars, faChartBar, faCog, faFilm, faHeart, faPlayCircle, faQuestionCircle, faTag, faTimes, faUser, faVideo } from "@fortawesome/free-solid-svg-icons";
import React from "react";
import { Button, Nav, Navbar } from "react-bootstrap";
import { FormattedMessage } from "react-intl";
import { Link, NavLink } from "react-router-dom";
import { Icon } from "./parts";
import { container } from "./patch";

const MenuItems = container("MainNavBar.MenuItems");
const UtilityItems = container("MainNavBar.UtilityItems");

const entries = [
  { to: "/scenes", id: "scenes", icon: faPlayCircle },
  { to: "/groups", id: "groups", icon: faFilm },
  { to: "/performers", id: "performers", icon: faUser },
  { to: "/studios", id: "studios", icon: faVideo },
  { to: "/tags", id: "tags", icon: faTag },
];

const utilities = [
  { to: "/stats", title: "Statistics", icon: faChartBar },
  { to: "/settings", title: "Settings", icon: faCog },
];

function Utilities() {
  return (
    <>
      <a className="nav-utility" href="#donate" title="Donate">
        <Button className="minimal d-flex align-items-center h-100" tabIndex={-1} title="Donate">
          <Icon icon={faHeart} />
        </Button>
      </a>
      {utilities.map((u) => (
        <NavLink key={u.to} className="nav-utility" to={u.to} exact>
          <Button className="minimal d-flex align-items-center h-100" title={u.title}>
            <Icon icon={u.icon} />
          </Button>
        </NavLink>
      ))}
      <Button className="nav-utility minimal" title="Help">
        <Icon icon={faQuestionCircle} />
      </Button>
    </>
  );
}

// Bar has no boundary around it. The utility items are in the document twice; style.css shows one of the two.
export function Bar() {
  const [open, setOpen] = React.useState(false);
  return (
    <Navbar collapseOnSelect fixed="top" variant="dark" bg="dark" className="top-nav" expand="xl" expanded={open} onToggle={setOpen}>
      <Navbar.Collapse className="bg-dark order-sm-1" id="bar-menu">
        <MenuItems>
          {entries.map((e) => (
            <Nav.Link as="div" key={e.to} eventKey={e.to} className="col-4 col-sm-3 col-md-2 col-lg-auto p-0">
              <NavLink to={e.to} className="btn minimal menu-entry" onClick={() => setOpen(false)}>
                <Icon icon={e.icon} className="mr-xl-1" />
                <span>
                  <FormattedMessage id={e.id} />
                </span>
              </NavLink>
            </Nav.Link>
          ))}
        </MenuItems>
        <Nav className="bar-inside flex-row justify-content-end ml-auto">
          <UtilityItems>
            <Utilities />
          </UtilityItems>
        </Nav>
      </Navbar.Collapse>
      <Navbar.Brand as="div" className="order-first" onClick={() => setOpen(false)}>
        <Link to="/">
          <Button className="minimal brand-link d-inline-block">Stash</Button>
        </Link>
      </Navbar.Brand>
      <Nav className="navbar-buttons flex-row ml-auto order-xl-2">
        <UtilityItems>
          <Utilities />
        </UtilityItems>
        <Navbar.Toggle className="nav-menu-toggle ml-sm-2" aria-controls="bar-menu">
          <Icon icon={open ? faTimes : faBars} />
        </Navbar.Toggle>
      </Nav>
    </Navbar>
  );
}
