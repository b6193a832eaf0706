import { React } from "../host";

export const Queue = () => <p>Queue</p>;
