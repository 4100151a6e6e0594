"""Endpoints of installers' accounts."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from api.accounts.schemas import AccountCreated, LoggedIn, Login, Me, Signup
from api.accounts.service import log_in, log_out, sign_up
from api.deps import AppParts, ClientAddress, Installer, Session
from api.problems import problems
from domain.states import Role

router = APIRouter(prefix="/installer", tags=["Installer account"])


@router.post(
    "/signup",
    status_code=HTTPStatus.CREATED,
    summary="Create an installer account",
    operation_id="signUpInstaller",
    responses=problems(
        400, 413, 422, 429, 503, email_taken="An account with this e-mail exists. Log in instead."
    ),
)
async def signup(body: Signup, parts: AppParts, address: ClientAddress) -> AccountCreated:
    """Register a new installer account. You only need to do this once."""
    account = await sign_up(
        parts,
        name=body.name,
        email=body.email,
        password=body.password,
        company=body.company,
        address=address,
    )
    return AccountCreated(
        id=account.id, email=account.email, role=account.role, created_at=account.created_at
    )


@router.post(
    "/login",
    summary="Log in and obtain a token",
    operation_id="logInInstaller",
    responses=problems(400, 401, 413, 422, 429, 503),
)
async def login(body: Login, parts: AppParts, address: ClientAddress) -> LoggedIn:
    """Obtain the bearer token for all further requests. It is valid until `expires_at`."""
    token, expires_at = await log_in(
        parts, role=Role.INSTALLER, email=body.email, password=body.password, address=address
    )
    return LoggedIn(token=token, expires_at=expires_at)


@router.post(
    "/logout",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Log out",
    operation_id="logOutInstaller",
    responses=problems(401, 403, 503),
)
async def logout(session: Session, _: Installer, parts: AppParts) -> Response:
    """Revoke the token that the request came with."""
    token, _account = session
    await log_out(parts, token)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get(
    "/me",
    summary="Who am I",
    operation_id="getInstaller",
    responses=problems(401, 403, 503),
)
async def me(installer: Installer) -> Me:
    """Show the account that the token is of."""
    return Me.of(installer)
